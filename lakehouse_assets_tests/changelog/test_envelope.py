"""A message becomes a row of raw whatever it is: read where it can be, kept as it came in every case."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lakehouse_assets.catalog import Catalog, Column, Table, parse_type
from lakehouse_assets.changelog.envelope import RAW_COLUMNS, raw_query
from lakehouse_assets.changelog.position import position

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession


def _table(name: str, key: tuple[str, ...], **types: str) -> Table:
    columns = tuple(Column(n, t) for n, text in types.items() if not isinstance(t := parse_type(text), str))
    return Table(name, "public", key, columns, "", "", "p")


CATALOG = Catalog(
    topic_prefix="p",
    publication="p",
    slot="p",
    tables=(
        _table("moradores", ("morador_id",), morador_id="integer", nome="text"),
        _table("vagas", ("bloco", "numero"), bloco="text", numero="integer"),
    ),
)
MORADORES, VAGAS = (table.topic for table in CATALOG.tables)
KEY = b'{"morador_id":7}'
AFTER = {"morador_id": 7, "nome": "Ana"}


def value(op: str | None, after: object = None, before: object = None, **source: Any) -> bytes:
    origin = {"snapshot": "false", "schema": "public", "table": "moradores", "txId": 753, "lsn": 39874912}
    origin |= {"ts_us": 1769817600123456, "sequence": '["1","2"]'} | source
    return json.dumps({"before": before, "after": after, "source": origin, "op": op, "ts_ms": 1}).encode()


class Message(NamedTuple):
    key: bytes | None
    value: bytes | None
    op: str  # what raw calls it; "" when it is no row of raw
    topic: str = MORADORES


INSERT = value("c", AFTER)
MESSAGES = {
    "an insert": Message(KEY, INSERT, "insert"),
    "an update": Message(KEY, value("u", AFTER), "update"),
    "a delete": Message(KEY, value("d", None, {"morador_id": 7, "nome": None}), "delete"),
    "a row of a snapshot": Message(KEY, value("r", AFTER, snapshot="first_in_data_collection"), "snapshot"),
    "a row of an incremental snapshot": Message(KEY, value("r", AFTER, snapshot="incremental", lsn=None, txId=None), "snapshot"),
    "a truncate, which has no key": Message(None, value("t"), "truncate"),
    "a row with a composite key": Message(b'{"bloco":"A","numero":1}', value("c", {"bloco": "A", "numero": 1}, table="vagas"), "insert", VAGAS),
    "a key with a member more": Message(b'{"morador_id":7,"new":1}', INSERT, "insert"),
    "a row with members more": Message(KEY, value("c", {**AFTER, "new": [1, {"a": 2}]}), "insert"),
    "a tombstone": Message(KEY, None, ""),
    "an empty value": Message(KEY, b"", "unknown"),
    "a value that is no JSON": Message(KEY, b"garbage", "unknown"),
    "a value that is cut off": Message(KEY, INSERT[:-1], "unknown"),
    "a value that is cut off in its row": Message(KEY, INSERT[:40], "unknown"),
    "a value with something behind it": Message(KEY, INSERT + b"}", "unknown"),
    "two values in one": Message(KEY, INSERT + INSERT, "unknown"),
    "a value that is a JSON array": Message(KEY, b"[" + INSERT + b"]", "unknown"),
    "a value that is a JSON text": Message(KEY, b'"c"', "unknown"),
    "a value that is the JSON null": Message(KEY, b"null", "unknown"),
    "an object that is no envelope": Message(KEY, b'{"a":1}', "unknown"),
    "an operation that is unknown": Message(KEY, value("x", AFTER), "unknown"),
    "a logical decoding message": Message(KEY, value("m", AFTER), "unknown"),
    "no operation": Message(KEY, value(None, AFTER), "unknown"),
    "an operation that is a number": Message(KEY, INSERT.replace(b'"op": "c"', b'"op": 1'), "unknown"),
    "a change of another table": Message(KEY, value("c", AFTER, table="imoveis"), "unknown"),
    "a change of another schema": Message(KEY, value("c", AFTER, schema="private"), "unknown"),
    "a truncate of another table": Message(None, value("t", table="imoveis"), "unknown"),
    "no source": Message(KEY, b'{"op":"c","after":{"morador_id":7}}', "unknown"),
    "no key": Message(None, INSERT, "unknown"),
    "an empty key": Message(b"", INSERT, "unknown"),
    "a key without members": Message(b"{}", INSERT, "unknown"),
    "a key that is no JSON": Message(b"7", INSERT, "unknown"),
    "a key that is cut off": Message(b'{"morador_id":7', INSERT, "unknown"),
    "a key of other columns": Message(b'{"ident":7}', INSERT, "unknown"),
    "half of a composite key": Message(b'{"bloco":"A"}', value("c", {"bloco": "A"}, table="vagas"), "unknown", VAGAS),
    "a delete without key": Message(None, value("d"), "unknown"),
    "an insert without row": Message(KEY, value("c"), "unknown"),
    "an update whose row is a text": Message(KEY, value("u", "Ana"), "unknown"),
    "a snapshot row without row": Message(KEY, value("r", None, AFTER), "unknown"),
    "a value that is no UTF-8": Message(KEY, INSERT.replace(b"Ana", b"\xff\xfe"), "unknown"),
    "a key that is no UTF-8": Message(b'{"morador_id":"\xff"}', INSERT, "unknown"),
    "a truncate with a key that is no UTF-8": Message(b"\xff", value("t"), "truncate"),
    "texts beyond ASCII": Message(b'{"morador_id":"\xc3\xa9"}', value("c", {"nome": "João 🏠"}).replace(b"\\u00e3", b"\xc3\xa3"), "insert"),
}  # fmt: skip
NAMES = list(MESSAGES)
EPOCH = 3
TIMESTAMP = datetime(2026, 1, 31, 23, 59, 59, 999000, tzinfo=UTC)


@pytest.fixture(scope="module")
def landed(spark: SparkSession) -> dict[str, Row]:
    """The rows of raw that all messages make, by the message's name."""
    rows = [(m.topic, m.key, m.value, offset, TIMESTAMP) for offset, m in enumerate(MESSAGES.values())]
    messages = spark.createDataFrame(rows, "topic string, key binary, value binary, offset bigint, timestamp timestamp")
    messages.createOrReplaceTempView("envelope_messages")
    raw = spark.sql(raw_query(CATALOG, "envelope_messages", dict.fromkeys(CATALOG.names, EPOCH)))
    return {NAMES[row.kafka_offset]: row for row in raw.collect()}


@pytest.mark.parametrize("name", NAMES)
def test_every_message_gets_its_operation(landed: dict[str, Row], name: str) -> None:
    expected = MESSAGES[name].op
    assert (landed[name].op if name in landed else "") == expected


def test_only_the_tombstone_is_no_row_of_raw(landed: dict[str, Row]) -> None:
    assert sorted([*landed, "a tombstone"], key=NAMES.index) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name != "a tombstone" and "UTF-8" not in name])
def test_key_and_value_are_kept_as_they_came(landed: dict[str, Row], name: str) -> None:
    key, content = (None if part is None else part.decode() for part in (MESSAGES[name].key, MESSAGES[name].value))
    assert (landed[name].key, landed[name].value) == (key, content)


@pytest.mark.parametrize(
    ("name", "part"),
    [("a value that is no UTF-8", "value"), ("a key that is no UTF-8", "key"), ("a truncate with a key that is no UTF-8", "key")],
)  # fmt: skip
def test_bytes_that_are_no_utf8_are_kept_as_marked_base64(landed: dict[str, Row], name: str, part: str) -> None:
    mark, _, encoded = landed[name][part].partition(":")
    assert mark == "base64"
    assert base64.b64decode(encoded) == getattr(MESSAGES[name], part)


def test_a_row_belongs_to_the_table_of_its_topic_even_when_it_is_unreadable(landed: dict[str, Row]) -> None:
    assert {name: row.table_name for name, row in landed.items() if row.table_name != "moradores"} == {
        "a row with a composite key": "vagas",
        "half of a composite key": "vagas",
    }
    assert all(landed[name].topic == MESSAGES[name].topic for name in landed)


def test_a_position_is_the_epoch_and_the_offset(landed: dict[str, Row]) -> None:
    assert {row.position - row.kafka_offset for row in landed.values()} == {EPOCH << 40}
    assert landed["an insert"].position == position(EPOCH, landed["an insert"].kafka_offset)


def test_where_a_change_comes_from_is_read_out_of_it(landed: dict[str, Row]) -> None:
    row = landed["an insert"]
    committed = datetime(2026, 1, 31, 0, 0, 0, 123456)
    assert (row.lsn, row.tx_id, row.snapshot, row.committed_at) == (39874912, 753, "false", committed)
    assert landed["a row of a snapshot"].snapshot == "first_in_data_collection"
    incremental = landed["a row of an incremental snapshot"]
    assert (incremental.lsn, incremental.tx_id, incremental.snapshot) == (None, None, "incremental")
    assert landed["a value that is no JSON"].lsn is None


def test_the_day_of_a_row_is_the_kafka_timestamps_in_utc(spark: SparkSession) -> None:
    moments = [
        "2026-01-31 23:59:59.999Z",
        "2026-02-01 00:00:00Z",
        "2026-01-31 21:30:00-03:00",
        "2026-02-01 01:00:00+05:00",
    ]
    values = ", ".join(f"('{MORADORES}', NULL, X'7B7D', {i}, TIMESTAMP '{m}')" for i, m in enumerate(moments))
    view = f"(VALUES {values} AS m (topic, key, value, offset, timestamp))"
    days = spark.sql(f"SELECT event_date FROM ({raw_query(CATALOG, view)}) ORDER BY kafka_offset").collect()
    assert [row.event_date for row in days] == [
        date(2026, 1, 31),
        date(2026, 2, 1),
        date(2026, 2, 1),
        date(2026, 1, 31),
    ]


def test_rows_have_exactly_the_columns_of_the_raw_table(spark: SparkSession) -> None:
    view = f"(VALUES ('{MORADORES}', X'7B7D', X'7B7D', 1, TIMESTAMP '2026-01-31 00:00:00') AS m (topic, key, value, offset, timestamp))"
    made = spark.sql(raw_query(CATALOG, view.replace(", 1,", ", 1L,"))).schema
    wanted = spark.createDataFrame([], RAW_COLUMNS).schema
    assert [(f.name, f.dataType) for f in made] == [(f.name, f.dataType) for f in wanted]
