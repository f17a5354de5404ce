"""PostgreSQL and the lake's reader make the same text of a value, and different texts of different values."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.canonical import from_message
from lakehouse_assets.engine.moment import LakeTable, bounds_of
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.gateways import postgres
from lakehouse_assets.proof import Bounds, TableProof, comparison, prove
from lakehouse_assets_tests.progress import copied_lake
from lakehouse_assets_tests.proof.tables import table
from lakehouse_assets_tests.real_postgres import Source, new_source, older_postgres, running_postgres

# For each type, values as PostgreSQL reads them; the lake cannot hold those marked so and has NULL in their place.
NULL_IN_THE_LAKE = {
    "numeric(15,2)": ["NaN"],
    "numeric": ["NaN", "Infinity", "-Infinity", "1e20", "-100000000000000000000", "0.0000000000000000001"],
    "date": ["infinity", "-infinity", "0001-12-31 BC", "4713-01-01 BC", "10000-01-01", "5874897-12-31"],
    "timestamp": ["infinity", "-infinity", "0001-12-31 23:59:59.999999 BC", "10000-01-01 00:00", "294276-12-31"],
    "timestamptz": ["infinity", "-infinity", "0001-12-31 23:59:59.999999+00 BC", "10000-01-01 00:00+00"],
}
HELD = {
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "7", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9223372036854775807"],
    "numeric(15,2)": ["0", "-0.01", "1.5", "9999999999999.99", "-9999999999999.99", "100"],
    "numeric(38,0)": ["99999999999999999999999999999999999999", "-1"],
    "numeric(4,4)": ["0.9999", "-0.0001"],
    "numeric": ["1.5", "-0.000000000000000001", "99999999999999999999.999999999999999999", "1e19", "0"],
    "real": ["NaN", "Infinity", "-Infinity", "0", "-0", "0.1", "1e-45", "3.4028235e38", "16777217"],
    "double precision": ["NaN", "Infinity", "-Infinity", "0", "-0", "0.1", "5e-324", "1.7976931348623157e308", "1e15", "1e16"],
    "boolean": ["true", "false"],
    "date": ["0001-01-01", "1582-10-10", "1900-02-28", "1970-01-01", "2024-02-29", "9999-12-31"],
    "time": ["00:00:00", "10:00:00.5", "10:00:00.45", "23:59:59.999999", "24:00:00"],
    "time(3)": ["10:00:00.120", "09:59:59.999"],
    "timestamp": ["0001-01-01 00:00:00", "0001-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "2026-01-31 10:00:00.5",
                  "2026-01-31 10:00", "9999-12-31 23:59:59.999999", "1582-10-10 12:00"],
    "timestamp(3)": ["2026-01-31 10:00:00.123", "2026-01-31 10:00:00.100"],
    "timestamptz": ["0001-01-01 00:00:00+00", "1890-01-01 00:00-03:06:28", "2026-01-31 23:59:59.999999-03",
                    "9999-12-31 23:59:59.999999+00", "2018-11-04 00:30-02", "2018-11-03 23:30-03"],
    "text": ["", " ", "|", "0:", "1:a|", "a", "a ", "A", "NULL", "é", "e\u0301", "🏠", "a\nb\tc\\", "'\"", "São João", "x" * 5000],
    "varchar(20)": ["", "a", "a  "],
    "char(4)": ["", "a", "abcd", "é"],
    "bit": ["0", "1"],
    "bit(12)": ["000000000000", "100000000011"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    "json": ['{"a" : 1}', '{"a":1}', "null"],
    "jsonb": ['{"b":1.50,"a":null}', "[1, 2]"],
}  # fmt: skip


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with running_postgres() as dsn:
        yield new_source(dsn)


@pytest.fixture(scope="module", params=[running_postgres, older_postgres])
def either(request: pytest.FixtureRequest) -> Iterator[Source]:
    with request.param() as dsn:
        yield new_source(dsn)


def proven(source: Source, wanted: Table, paths: LakePaths, bounds: Bounds | None = None) -> TableProof:
    compared = comparison(wanted)
    with open_lake(paths) as lake, postgres.open_moment(source.application, 60, 60) as moment:
        bounds = bounds or bounds_of(lake, compared)[1]
        side = moment.of(compared, bounds)
        return prove(compared, side, side.sums(), LakeTable(lake, compared, bounds), frozenset())


@pytest.mark.parametrize("kind", HELD)
def test_every_value_of_a_type_is_equal_to_its_copy_and_to_no_other(either: Source, tmp_path: Path, kind: str) -> None:
    values = [None, *HELD[kind], *NULL_IN_THE_LAKE.get(kind, [])]
    wanted = table("id", name=f"of_{kind.translate(str.maketrans(' (),', '____'))}", id="integer", v=kind)
    either.with_table(wanted)
    insert = f"insert into {wanted.name} select id, unnest(%s::text[])::{kind} from unnest(%s) id"
    count = len(values)
    for place, value in enumerate(values):  # each value once for each value that the lake may hold in its place
        ids = list(range(place * count, (place + 1) * count))
        postgres.execute(either.application, insert, [[value], ids])
    paths = LakePaths(tmp_path)
    copied_lake.copy(either.application, wanted, paths)
    right = {row["id"]: row["v"] for row in copied_lake.rows(wanted, paths)}
    held = [right[place * count] for place in range(count)]
    assert [value is None for value in held] == [place == 0 or place > len(HELD[kind]) for place in range(count)]
    assert proven(either, wanted, paths).equal
    copied_lake.write(wanted, paths, [{"id": id, "v": held[id % count]} for id in right])
    found = {difference.key[0] for difference in proven(either, wanted, paths).different}
    assert found == {str(id) for id, value in right.items() if repr(value) != repr(held[id % count])}


@pytest.mark.parametrize(
    ("encoding", "written"),
    [(None, 1769853600120500), ("Timestamp", 1769853600120), ("MicroTimestamp", 1769853600120500),
     ("NanoTimestamp", 1769853600120500000)],
)  # fmt: skip
def test_a_keys_time_is_read_as_the_connector_writes_it(tmp_path: Path, encoding: str | None, written: int) -> None:
    column = replace(table("k", k="timestamp").column("k"), encoding=encoding)
    with open_lake(LakePaths(tmp_path)) as lake:
        text = lake.query(f"SELECT {from_message(column, '?')}", [json.dumps({"k": written})]).rows[0][0]
    assert text == ("2026-01-31 10:00:00.12" if encoding == "Timestamp" else "2026-01-31 10:00:00.1205")


@pytest.mark.parametrize(
    ("kind", "written", "text"),
    [
        ("time", 36_000_500_000, "10:00:00.5"),
        ("time(3)", 36_000_120, "10:00:00.12"),
        ("time", 86_400_000_000, "24:00:00"),
    ],
)
def test_a_keys_time_of_day_is_read_as_the_connector_writes_it(
    tmp_path: Path, kind: str, written: int, text: str
) -> None:
    key = f"'{json.dumps({'k': written})}'"
    with open_lake(LakePaths(tmp_path)) as lake:
        read = lake.query(f"SELECT {from_message(table('k', k=kind).column('k'), key)}")
    assert read.rows == [(text,)]


def test_a_bc_day_that_a_snapshot_turned_into_an_ad_day_is_different(source: Source, tmp_path: Path) -> None:
    wanted = table("id", name="bc_days", id="integer", d="date")
    source.with_table(wanted)
    postgres.execute(source.application, "insert into bc_days values (1, '4713-01-01 BC'), (2, '0044-03-15 BC')")
    paths = LakePaths(tmp_path)
    copied_lake.copy(source.application, wanted, paths)
    held = sorted(copied_lake.rows(wanted, paths), key=lambda row: row["id"])
    copied_lake.write(wanted, paths, [held[0] | {"d": copied_lake.value(wanted.column("d"), "4713-01-01")}, held[1]])
    (difference,) = proven(source, wanted, paths).different
    assert (difference.key, difference.columns) == (("1",), ("d",))


def test_a_lake_column_of_another_type_differs(source: Source, tmp_path: Path) -> None:
    wanted = table("id", name="other_types", id="integer", v="numeric(15,2)")
    source.with_table(wanted)
    postgres.execute(source.application, "insert into other_types values (1, 1.5)")
    for kind in ("numeric(15,1)", "numeric(15,3)", "double precision", "text"):
        paths = LakePaths(tmp_path / kind)
        drifted = table("id", name="other_types", id="integer", v=kind)
        copied_lake.write(drifted, paths, [{"id": 1, "v": copied_lake.value(drifted.column("v"), "1.5")}])
        assert proven(source, wanted, paths).different_count == 1


def test_a_table_wider_than_a_functions_arguments_is_read_whole(source: Source, tmp_path: Path) -> None:
    wanted = table("id", name="wide", id="integer", **{f"c{n}": "text" for n in range(130)})
    source.with_table(wanted)
    postgres.execute(source.application, "insert into wide (id, c0, c129) values (1, 'first', 'last')")
    paths = LakePaths(tmp_path)
    copied_lake.copy(source.application, wanted, paths)
    assert proven(source, wanted, paths).equal
    (row,) = copied_lake.rows(wanted, paths)
    copied_lake.write(wanted, paths, [row | {"c129": "lost"}])
    assert proven(source, wanted, paths).different[0].columns == ("c129",)


def test_neighbouring_cells_do_not_run_into_each_other(source: Source, tmp_path: Path) -> None:
    wanted = table("id", name="neighbours", id="integer", a="text", b="text", n="integer")
    source.with_table(wanted)
    postgres.execute(
        source.application, "insert into neighbours values (1, 'x|1:y', '', null), (2, 'x', null, 1), (3, null, 'x', 1)"
    )
    paths = LakePaths(tmp_path)
    for other in ({"a": "x", "b": "y|0:"}, {"a": "x|1:y", "b": None}, {"a": "x|1:", "b": "y"}):
        copied_lake.copy(source.application, wanted, paths)
        rows = [row | other if row["id"] == 1 else row for row in copied_lake.rows(wanted, paths)]
        copied_lake.write(wanted, paths, rows)
        assert [difference.key for difference in proven(source, wanted, paths).different] == [("1",)]
    rows = [row | {"a": row["b"], "b": row["a"]} if row["id"] > 1 else row for row in copied_lake.rows(wanted, paths)]
    copied_lake.copy(source.application, wanted, paths)
    copied_lake.write(wanted, paths, rows)
    assert proven(source, wanted, paths).different_count == 3


KEYS: list[tuple[str, list[Any]]] = [
    ("integer", list(range(-20, 20))), ("bigint", [n << 40 for n in range(-20, 20)]),
    ("numeric(10,2)", [f"{n / 4:.2f}" for n in range(-20, 20)]), ("boolean", ["true", "false"]),
    ("date", [f"{1900 + n}-02-03" for n in range(30)]), ("timestamp", [f"2026-01-31 10:{n}:00.5" for n in range(10, 40)]),
    ("timestamptz", [f"2026-01-31 10:{n}:00-03" for n in range(10, 40)]),
    ("text", ["", "Z", "a", "z", "é", "e\u0301", "🏠", "~", "A b", "ab", "a'b", 'a"b', "a\\b", "{}", ","]),
    ("varchar(9)", ["b", "B", "ç", "_"]), ("char(3)", ["a", "ab", "A"]), ("citext", ["b", "C", "ç"]),
    ("uuid", [f"{n:08x}-0000-0000-0000-000000000000" for n in (0, 9, 10, 1 << 31)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "keys"), KEYS, ids=[kind for kind, _ in KEYS])
def test_ranges_of_every_kind_of_key_hold_the_same_rows_on_both_sides(
    source: Source, tmp_path: Path, kind: str, keys: list[Any]
) -> None:
    wanted = table("k", "n", name=f"by_{kind.translate(str.maketrans('(),', '___'))}", n="smallint", k=kind)
    source.with_table(wanted)
    for key in keys:
        postgres.execute(source.application, f"insert into {wanted.name} (k, n) values (%s, 1), (%s, 2)", [key, key])
    paths = LakePaths(tmp_path)
    copied_lake.copy(source.application, wanted, paths)
    held = copied_lake.rows(wanted, paths)
    texts = {row[0] for row in postgres.execute(source.application, "set time zone 'UTC'; "
             f"select k::text from {wanted.name}")}  # fmt: skip
    bounds = Bounds(tuple(_ordered(source, wanted, sorted(texts)[:: max(1, len(texts) // 5)])))
    assert proven(source, wanted, paths, bounds).equal
    gone = random.Random(7).choice(held)
    copied_lake.write(wanted, paths, [row for row in held if row is not gone])
    found = proven(source, wanted, paths, bounds)
    assert (found.missing_count, found.extra_count, found.different_count) == (1, 0, 0)
    assert found.missing[0][1] == str(gone["n"])


def _ordered(source: Source, wanted: Table, texts: list[str]) -> list[str]:
    kind = wanted.column("k").type.text
    order = 't collate "C"' if wanted.column("k").type.spark == "string" else f"t::{kind}"
    found = postgres.execute(
        source.application, f"set time zone 'UTC'; select t from unnest(%s) t order by {order}", [texts]
    )
    return [text for (text,) in found]
