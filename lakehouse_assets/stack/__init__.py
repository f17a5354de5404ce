"""The embedded local stack: PostgreSQL, Kafka, Connect, the engine and Dagster as supervised loopback processes."""
