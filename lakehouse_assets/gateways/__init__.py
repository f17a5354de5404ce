"""The services outside, one driver a module; none knows Spark, Dagster or another gateway."""
