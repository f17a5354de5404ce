"""The one stream: every topic into one raw Delta table, written by Delta's own streaming sink (exactly once)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets import sql
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.changelog.envelope import RAW_COLUMNS, RAW_PARTITIONS, raw_query

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

_EARLIEST = -2  # Kafka's own number for it
# Statistics on position and lsn only: they prune the folds' reads, the others would cost every batch.
PROPERTIES = {
    "delta.dataSkippingStatsColumns": "position,lsn",
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 7 days",
    "delta.enableDeletionVectors": "false",
    "delta.appendOnly": "true",
}


def create_raw(spark: SparkSession, path: Path) -> None:
    """Make the empty raw table where there is none."""
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {sql.delta(path)} ({RAW_COLUMNS}) USING delta "
        f"PARTITIONED BY ({', '.join(RAW_PARTITIONS)}) TBLPROPERTIES ({properties(PROPERTIES)})"
    )


def properties(values: dict[str, str]) -> str:
    """Table properties as SQL."""
    return ", ".join(f"{sql.text(key)} = {sql.text(value)}" for key, value in values.items())


def messages(
    spark: SparkSession, catalog: Catalog, bootstrap: str, max_offsets: int, start: Mapping[str, int] | None = None
) -> DataFrame:
    """The topics as a stream that fails rather than skip: see docs/pipelines.md for the reason of each option.

    `start`: by topic the first offset to read, where there is no checkpoint that says it; without, from the beginning.
    """
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", ",".join(table.topic for table in catalog.tables))
        .option("startingOffsets", _starting_offsets(catalog, start) if start else "earliest")
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .option("maxOffsetsPerTrigger", max_offsets)
        .load()
    )


def _starting_offsets(catalog: Catalog, start: Mapping[str, int]) -> str:
    return json.dumps({table.topic: {"0": start.get(table.topic, _EARLIEST)} for table in catalog.tables})


def rows(spark: SparkSession, catalog: Catalog, source: DataFrame, epochs: Mapping[str, int]) -> DataFrame:
    """Kafka messages as raw rows, their positions in the tables' epochs."""
    source.createOrReplaceTempView("messages")
    return spark.sql(raw_query(catalog, "messages", epochs))


def start_stream(raw_rows: DataFrame, path: Path, checkpoint: Path, trigger_seconds: int | None) -> StreamingQuery:
    """Start the query into raw; without seconds it drains what is there and ends (availableNow)."""
    writer = (
        raw_rows.writeStream.format("delta")
        .queryName("raw")
        .partitionBy(*RAW_PARTITIONS)
        .option("checkpointLocation", str(checkpoint))
        .outputMode("append")
    )
    if trigger_seconds is None:
        return writer.trigger(availableNow=True).start(str(path))
    return writer.trigger(processingTime=f"{trigger_seconds} seconds").start(str(path))
