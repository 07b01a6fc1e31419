"""Networks that are loaded, and what they do."""
