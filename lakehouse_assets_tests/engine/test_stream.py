"""The stream stops rather than skip, and what is known of it without asking: its checkpoint's offsets, a line a batch."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from kafka import KafkaAdminClient, TopicPartition
from pyspark.errors import StreamingQueryException

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import Observed
from lakehouse_assets.engine import raw
from lakehouse_assets.engine.batches import BatchLog, line
from lakehouse_assets.engine.guard import Guard
from lakehouse_assets.engine.session import connect_config, spark_config
from lakehouse_assets.engine.stream_offsets import committed_offsets, start_offsets
from lakehouse_assets.gateways.kafka import create_topics, produce
from lakehouse_assets.stack import kafka
from lakehouse_assets_tests.changelog.histories import TABLE
from lakehouse_assets_tests.real_stack import running_stack

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def batch(checkpoint: Path, number: int, offsets: dict[str, int], *, committed: bool = True) -> None:
    for name in ("offsets", "commits"):
        (checkpoint / name).mkdir(parents=True, exist_ok=True)
    ends = json.dumps({topic: {"0": offset} for topic, offset in offsets.items()})
    (checkpoint / "offsets" / str(number)).write_text(f'v1\n{{"batchWatermarkMs":0}}\n{ends}', encoding="utf-8")
    if committed:
        (checkpoint / "commits" / str(number)).write_text('v1\n{"nextBatchWatermarkMs":0}', encoding="utf-8")


def test_a_stream_that_never_ran_has_read_nothing(tmp_path: Path) -> None:
    assert committed_offsets(tmp_path / "nowhere") == {}
    batch(tmp_path, 0, {"p.public.a": 5}, committed=False)
    assert committed_offsets(tmp_path) == {}


def test_the_newest_committed_batch_says_how_far_the_stream_is(tmp_path: Path) -> None:
    batch(tmp_path, 9, {"p.public.a": 5})
    batch(tmp_path, 10, {"p.public.a": 7, "p.public.b": 2})
    batch(tmp_path, 11, {"p.public.a": 9, "p.public.b": 2}, committed=False)
    (tmp_path / "commits" / ".10.crc").touch()
    assert committed_offsets(tmp_path) == {"p.public.a": 7, "p.public.b": 2}


def progress(number: int, rows: int, milliseconds: int = 500) -> dict[str, Any]:
    start = {"p.public.a": {"0": 10}, "p.public.b": {"0": 4}}
    end = {"p.public.a": {"0": 10 + rows}, "p.public.b": {"0": 4}, "p.public.c": {"0": 0}}
    source = {"startOffset": json.dumps(start), "endOffset": end}
    return {
        "batchId": number, "timestamp": "2026-01-31T00:00:00.000Z", "numInputRows": rows,
        "durationMs": {"triggerExecution": milliseconds}, "sources": [source],
    }  # fmt: skip


def test_a_batch_is_told_in_one_line_with_its_tables() -> None:
    assert line(progress(3, 100)) == "2026-01-31T00:00:00.000Z batch 3: 100 changes in 0.50 s (200/s): a 100"
    assert "(0/s)" in line(progress(3, 100, milliseconds=0))


def test_each_batch_that_brought_something_is_told_once() -> None:
    told: list[str] = []
    log = BatchLog(told.append)
    for report in (None, progress(0, 5), progress(0, 5), progress(1, 0), progress(2, 7), progress(2, 7)):
        log.tell(report)
    assert [text.split(": ")[0].split()[-1] for text in told] == ["0", "2"]


def test_spark_listens_on_loopback_alone_and_lives_in_utc() -> None:
    config = spark_config([Path("/a.jar"), Path("/b.jar")], "1g", Path("/w")) | connect_config(15404)
    addresses = {key: value for key, value in config.items() if "host" in key or "address" in key.lower()}
    assert set(addresses.values()) == {"127.0.0.1"}
    assert {"spark.driver.host", "spark.driver.bindAddress", "spark.connect.grpc.binding.address"} <= set(addresses)
    assert config["spark.connect.grpc.binding.port"] == "15404"
    assert config["spark.ui.enabled"] == "false"
    assert (config["spark.sql.session.timeZone"], config["spark.sql.ansi.enabled"]) == ("UTC", "true")
    assert config["spark.jars"] == "/a.jar,/b.jar"


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """The address of a broker alone."""
    with running_stack(only=(kafka.NAME,)) as stack:
        yield stack.links.kafka_bootstrap


@pytest.mark.own_stack
def test_messages_that_are_gone_before_they_were_read_stop_the_stream(
    bootstrap: str, spark: SparkSession, tmp_path: Path
) -> None:
    table = replace(TABLE, name=f"t{uuid.uuid4().hex}")
    catalog = Catalog("test", "lakehouse", "lakehouse", (table,))
    create_topics(bootstrap, {table.topic: {}})
    raw.create_raw(spark, tmp_path / "raw")

    def drain() -> int:
        rows = raw.rows(spark, catalog, raw.messages(spark, catalog, bootstrap, 1000), {})
        raw.start_stream(rows, tmp_path / "raw", tmp_path / "checkpoint", None).awaitTermination()
        return DeltaTable(str(tmp_path / "raw")).to_pyarrow_table().num_rows

    for _ in range(3):
        produce(bootstrap, table.topic, b'{"k":1}', b"{}")
    assert drain() == 3
    for _ in range(3):
        produce(bootstrap, table.topic, b'{"k":1}', b"{}")
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_records({TopicPartition(table.topic, 0): 5})  # as retention does
    admin.close()
    with pytest.raises(StreamingQueryException):
        drain()
    assert DeltaTable(str(tmp_path / "raw")).to_pyarrow_table().num_rows == 3


@pytest.mark.own_stack
def test_a_table_that_left_the_catalog_stops_no_other(bootstrap: str, spark: SparkSession, tmp_path: Path) -> None:
    stays, leaves = (replace(TABLE, name=f"t{uuid.uuid4().hex}") for _ in range(2))
    paths, checkpoint = LakePaths(tmp_path / "lake"), tmp_path / "checkpoint"
    create_topics(bootstrap, {stays.topic: {}, leaves.topic: {}})
    raw.create_raw(spark, paths.raw)

    def drain(tables: tuple[Table, ...], *, guarded: bool = True) -> int:
        catalog = Catalog("test", "lakehouse", "lakehouse", tables)
        if guarded:
            Guard(catalog, paths, checkpoint, Observed).begin()
        start = start_offsets(checkpoint)
        rows = raw.rows(spark, catalog, raw.messages(spark, catalog, bootstrap, 1000, start), {})
        raw.start_stream(rows, paths.raw, checkpoint, None).awaitTermination()
        return DeltaTable(str(paths.raw)).to_pyarrow_table().num_rows

    for table in (stays, stays, leaves):
        produce(bootstrap, table.topic, b'{"k":1}', b"{}")
    assert drain((stays, leaves)) == 3
    produce(bootstrap, stays.topic, b'{"k":1}', b"{}")
    with pytest.raises(StreamingQueryException):
        drain((stays,), guarded=False)
    assert drain((stays,)) == 4
    assert drain((stays,)) == 4
