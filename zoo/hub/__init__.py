"""Where networks come from: names, records, files, weights."""
