"""How, at scale: the Spark session, the stream into raw, the folds and the refined tables, and reading the lake."""
