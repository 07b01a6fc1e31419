"""Many files: manifest, shards, parts, and the processes that work on them (`zoo.batch`)."""
