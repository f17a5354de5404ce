"""The fold for real: the MERGE into Delta, with the applied position in the same commit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from lakehouse_assets import sql
from lakehouse_assets.changelog.fold import FoldRange
from lakehouse_assets.changelog.merge import merge
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import FOLD_APP, Cut, folded
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.transformed import FoldResult, commit
from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets_tests.changelog.cases import BY_NAME, Case, by_case, side_by_side
from lakehouse_assets_tests.changelog.histories import TABLE, Source, key_of, long_script, table_of
from lakehouse_assets_tests.changelog.oracle import Event, fold
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Many changes a batch over many rows: the cost is in the number of folds.
SEED, KEYS, BATCHES = 8, 24, 12
HISTORY = {"write": 20, "update": 14, "move": 14, "delete": 4, "stream": 12, "commit": 6, "restart": 3, "snapshot": 1}
# The rules that concern the whole table and show in the MERGE itself, not only in the changes it is given.
WHOLE_TABLE = [
    BY_NAME[name]
    for name in (
        "rows from before a truncate do not come back with it",
        "a snapshot across batches removes when its last row comes, and not before",
        "a row seen by a snapshot keeps its value when the snapshot ends in a later batch",
        "the same transaction and LSN in a new epoch are another change",
    )
]


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path)


def test_every_rule_about_rows_holds_side_by_side_in_one_table(lab: Lab) -> None:
    landed: list[Event] = []
    for batch, after in side_by_side():
        landed += batch
        lab.land({"t": batch})
        lab.fold(TABLE)
        assert by_case((row["k"], row["v"], row["big"]) for row, _ in lab.state(TABLE).values()) == after
        assert lab.state(TABLE) == fold(landed).state()


@pytest.mark.parametrize("case", WHOLE_TABLE, ids=[case.name for case in WHOLE_TABLE])
def test_a_rule_about_the_whole_table_holds(lab: Lab, case: Case) -> None:
    for batch, after in zip(case.batches, case.after, strict=True):
        lab.land({"t": batch})
        lab.fold(TABLE)
        assert sorted((row["k"], row["v"], row["big"]) for row, _ in lab.state(TABLE).values()) == after


def test_a_long_history_folds_as_the_oracle_says_after_every_batch(lab: Lab) -> None:
    events = Source(keys=KEYS).run(long_script(SEED, KEYS, 400, **HISTORY)).topic
    by_position = {event.position: event for event in events}
    assert {event.op for event in events} == {"insert", "update", "delete", "truncate", "snapshot"}
    size = -(-len(events) // BATCHES)
    for start in range(0, len(events), size):
        lab.land({"t": events[start : start + size]})
        result = lab.fold(TABLE)
        assert lab.state(TABLE) == fold(events[: start + size]).state()
        assert result.applied == events[: start + size][-1].position
        newest = [(by_position[row["_position"]], row) for row in lab.rows(TABLE)]
        assert all((e.op, e.lsn, e.tx_id) == (row["_op"], row["_lsn"], row["_tx_id"]) for e, row in newest)


def change(position: int, op: str, k: int, v: int = 0, big: str = "x", **more: Any) -> Event:
    after = None if op == "delete" else {"k": k, "v": v, "big": big, "s": "s"}
    return Event(position, op, key_of(k), after, 100 + position, 700 + position, **more)


def test_the_applied_position_is_in_the_commit_that_writes_the_rows(lab: Lab) -> None:
    cut = lab.land({"t": [change(0, "insert", 1), change(1, "insert", 2), change(7, "update", 2, 9)]})
    lab.fold(TABLE)
    commits = list(deltalog.commits(lab.paths.transformed("t"), -1, lab.version(TABLE)))
    writing = [commit for commit in commits if commit.added]
    assert [commit.transactions for commit in writing] == [{FOLD_APP: 7}]
    assert [commit.transactions for commit in commits if not commit.added] == [{}]
    state = folded(lab.paths, "t")
    assert (state.applied, state.raw_version, state.max_lsn) == (7, cut.version, 107)


def test_a_fold_to_where_the_table_is_commits_nothing(lab: Lab) -> None:
    older = lab.land({"t": [change(0, "insert", 1)]})
    cut = lab.land({"t": [change(1, "insert", 2)]})
    assert lab.fold(TABLE, cut) == FoldResult("t", before=-1, applied=1, inserted=2)
    version, before = lab.version(TABLE), lab.rows(TABLE)
    assert lab.fold(TABLE, cut) == FoldResult("t", before=1, applied=1)
    assert lab.fold(TABLE, older) == FoldResult("t", before=1, applied=1)
    assert (lab.version(TABLE), lab.rows(TABLE)) == (version, before)


def test_a_second_writer_of_the_same_fold_changes_nothing(lab: Lab) -> None:
    cut = lab.land({"t": [change(0, "insert", 1), change(1, "update", 1, 5)]})
    lab.fold(TABLE, cut)
    version, before = lab.version(TABLE), lab.rows(TABLE)
    # It surveyed before the first one committed, so it does not know.
    place = lab.paths.transformed("t")
    statement = merge(sql.delta(place), sql.delta(lab.paths.raw), TABLE, FoldRange(applied=-1, target=1))
    assert commit(lab.spark, statement, 1, "{}") == {"inserted": 0, "updated": 0, "deleted": 0}
    assert (lab.version(TABLE), lab.rows(TABLE)) == (version, before)


def test_a_fold_reads_raw_as_it_was_at_the_cut(lab: Lab) -> None:
    early = lab.land({"t": [change(0, "insert", 1)]})
    lab.land({"t": [change(1, "insert", 2), change(2, "delete", 1)]})
    assert lab.fold(TABLE, early).applied == 0
    assert set(lab.state(TABLE)) == {(1,)}
    assert lab.fold(TABLE).applied == 2
    assert set(lab.state(TABLE)) == {(2,)}


def test_raw_may_be_compacted_and_cleaned_before_a_fold_and_after_it(lab: Lab) -> None:
    changes = [change(0, "insert", 1), change(1, "insert", 2), change(2, "update", 1, v=3), change(3, "delete", 2)]
    lab.land({"t": changes[:1]})
    lab.fold(TABLE)
    for event in changes[1:3]:
        lab.land({"t": [event]})
    raw = DeltaTable(str(lab.paths.raw))
    raw.optimize.compact()
    raw.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert lab.fold(TABLE).applied == 2
    assert {key: (row["v"], position) for key, (row, position) in lab.state(TABLE).items()} == {
        (1,): (3, 2),
        (2,): (0, 1),
    }
    lab.land({"t": changes[3:]})
    assert lab.fold(TABLE).deleted == 1
    assert set(lab.state(TABLE)) == {(1,)}


def test_a_fold_counts_what_it_did(lab: Lab) -> None:
    lab.land({"t": [change(0, "insert", 1), change(1, "insert", 2), change(2, "insert", 3)]})
    assert lab.fold(TABLE) == FoldResult("t", before=-1, applied=2, inserted=3)
    lab.land(
        {
            "t": [
                change(3, "update", 1, 5),
                change(4, "delete", 2),
                change(5, "insert", 4),
                change(6, "unknown", 3),
                change(7, "delete", 99),
            ]
        }
    )
    assert lab.fold(TABLE) == FoldResult("t", before=2, applied=7, inserted=1, updated=1, deleted=1, unreadable=1)


def test_messages_that_are_all_unreadable_still_move_the_position(lab: Lab) -> None:
    lab.land({"t": [change(0, "unknown", 1), change(1, "unknown", 2)]})
    assert lab.fold(TABLE) == FoldResult("t", before=-1, applied=1, unreadable=2)
    assert folded(lab.paths, "t").applied == 1
    assert lab.rows(TABLE) == []


def test_tables_share_raw_and_know_nothing_of_each_other(lab: Lab) -> None:
    other = replace(TABLE, name="other")
    lab.land(
        {
            "t": [change(0, "insert", 1, 1), change(1, "insert", 7, 7)],
            "other": [change(0, "insert", 1, 2), change(1, "insert", 3, 3)],
        }
    )
    assert (lab.fold(TABLE).applied, lab.fold(other).applied) == (1, 1)
    assert (set(lab.state(TABLE)), set(lab.state(other))) == ({(1,), (7,)}, {(1,), (3,)})
    lab.land({"t": [Event(2, "truncate", None, None, 900, 900)]})
    assert (lab.fold(TABLE).applied, lab.fold(other).applied) == (2, 1)
    assert (set(lab.state(TABLE)), set(lab.state(other))) == (set(), {(1,), (3,)})


TYPED = table_of(
    "typed",
    ("id",),
    id="bigint",
    dia="date",
    valor="numeric(15,2)",
    livre="numeric",
    momento="timestamp",
    segundo="timestamp(0)",
    instante="timestamptz",
    ativo="boolean",
    taxa="double precision",
    nota="text",
)


def typed(position: int, **after: Any) -> Event:
    return Event(position, "insert", '{"id":%d}' % after["id"], after, position, position)  # noqa: UP031


def test_values_are_stored_in_the_columns_types_exactly(lab: Lab) -> None:
    values = {"dia": 19753, "valor": "-9999999999999.99", "livre": "0.000000000000000001", "momento": 1706695200123456}
    values |= {"segundo": 1706695200000, "instante": "2024-01-31T10:00:00.5-03:00", "ativo": False, "taxa": 0.1}
    lab.land({"typed": [typed(0, id=1 << 60, nota="São João 🏠\n'\"\\", **values), typed(1, id=2)]})
    assert lab.fold(TYPED).unstorable == {}
    rows = {row["id"]: row for row in lab.rows(TYPED)}
    expected = {
        "dia": date(2024, 1, 31),
        "valor": Decimal("-9999999999999.99"),
        "livre": Decimal("0.000000000000000001"),
        "momento": datetime(2024, 1, 31, 10, 0, 0, 123456),
        "segundo": datetime(2024, 1, 31, 10, 0),
        "instante": datetime(2024, 1, 31, 13, 0, 0, 500000, UTC),
        "ativo": False,
        "taxa": 0.1,
        "nota": "São João 🏠\n'\"\\",
    }
    assert {name: rows[1 << 60][name] for name in expected} == expected
    assert {rows[2][name] for name in expected} == {None}


def test_a_value_that_cannot_be_stored_is_null_and_counted_by_column(lab: Lab) -> None:
    lab.land(
        {
            "typed": [
                typed(0, id=1, dia=2146033979, valor="1.005", nota="kept"),
                typed(1, id=2, dia=19753, valor="NAN"),
                typed(2, id=3, instante="infinity", valor="1.50"),
            ]
        }
    )
    result = lab.fold(TYPED)
    assert result.unstorable == {"dia": 1, "valor": 2, "instante": 1}
    rows = {row["id"]: (row["dia"], row["valor"], row["instante"], row["nota"]) for row in lab.rows(TYPED)}
    assert rows == {
        1: (None, None, None, "kept"),
        2: (date(2024, 1, 31), None, None, None),
        3: (None, Decimal("1.50"), None, None),
    }


def test_a_key_that_its_type_cannot_hold_stops_the_fold_with_the_column(lab: Lab) -> None:
    lab.land({"t": [change(0, "insert", 1), change(1, "insert", 1 << 40)]})
    with pytest.raises(LakehouseError, match="1 key values") as raised:
        lab.fold(TABLE)
    assert raised.value.where == "t.k"
    assert raised.value.exit_code == EXIT_DATA
    assert folded(lab.paths, "t").applied == -1
    assert lab.rows(TABLE) == []


def keyed(position: int, op: str, key: dict[str, Any], /, **after: Any) -> Event:
    return Event(position, op, json.dumps(key), {**key, **after} if op != "delete" else None, position, position)


KEYS_OF_EVERY_KIND = [
    (table_of("composto", ("numero", "bloco"), bloco="text", numero="integer", v="integer"),
     [{"numero": 1, "bloco": "A"}, {"numero": 1, "bloco": "B"}, {"numero": 2, "bloco": "A"}],
     [(1, "A"), (1, "B"), (2, "A")]),
    (table_of("texto", ("k",), k="text", v="integer"),
     [{"k": ""}, {"k": " a"}, {"k": "O'Neil \"\\` 🏠\n"}], [("",), (" a",), ("O'Neil \"\\` 🏠\n",)]),
    (table_of("dia", ("k",), k="date", v="integer"),
     [{"k": -719162}, {"k": 0}, {"k": 19753}], [(date(1, 1, 1),), (date(1970, 1, 1),), (date(2024, 1, 31),)]),
    (table_of("decimal", ("k",), k="numeric(9,2)", v="integer"),
     [{"k": "1.10"}, {"k": "-1.10"}, {"k": "1.11"}], [(Decimal("1.10"),), (Decimal("-1.10"),), (Decimal("1.11"),)]),
    (table_of("instante", ("k",), k="timestamptz", v="integer"),
     [{"k": f"2024-01-31T10:00:00{zone}"} for zone in ("Z", ".000001Z", "-03:00")],
     [(datetime(2024, 1, 31, 10, tzinfo=UTC),), (datetime(2024, 1, 31, 10, 0, 0, 1, UTC),), (datetime(2024, 1, 31, 13, tzinfo=UTC),)]),
    (table_of("longo", ("k",), k="bigint", v="integer"),
     [{"k": 9007199254740993}, {"k": 9007199254740992}, {"k": -1}], [(9007199254740993,), (9007199254740992,), (-1,)]),
]  # fmt: skip


def test_rows_are_told_apart_by_keys_of_every_kind(lab: Lab) -> None:
    tables = [table for table, _, _ in KEYS_OF_EVERY_KIND]
    one = {t.name: [keyed(i, "insert", key, v=i) for i, key in enumerate(keys)] for t, keys, _ in KEYS_OF_EVERY_KIND}
    two = {t.name: [keyed(3, "update", keys[0], v=7), keyed(4, "delete", keys[1])] for t, keys, _ in KEYS_OF_EVERY_KIND}
    for batch in (one, two):
        lab.land(batch)
        for table in tables:
            lab.fold(table)
    for table, _, (first, _, third) in KEYS_OF_EVERY_KIND:
        assert {key: row["v"] for key, (row, _) in lab.state(table).items()} == {first: 7, third: 2}, table.name


def test_columns_of_any_name_are_folded(lab: Lab) -> None:
    odd = {
        "Valor(R$)": "text",
        "data-vencto": "date",
        "a.b": "integer",
        "o`k": "text",
        "com espaço": "text",
        "order": "text",
    }
    odd |= {
        "position": "text",
        "op": "text",
        "key": "text",
        "after": "text",
        "last": "text",
        "k0": "text",
        "delivery": "text",
    }
    table = table_of("estranha", ("id do dono",), **{"id do dono": "integer"}, **odd)
    values = {
        name: 5 if kind == "integer" else 19753 if kind == "date" else f"v of {name}" for name, kind in odd.items()
    }
    lab.land(
        {"estranha": [keyed(0, "insert", {"id do dono": 1}, **values), keyed(1, "update", {"id do dono": 1}, **values)]}
    )
    lab.fold(table)
    names = ", ".join(f'"{c.name}"' for c in table.columns)
    with open_lake(lab.paths) as reader:
        answer = reader.query(f"SELECT {names}, _position FROM transformed.estranha")
    expected = {"id do dono": 1, **values, "data-vencto": date(2024, 1, 31), "_position": 1}
    assert [dict(zip(answer.columns, row, strict=True)) for row in answer.rows] == [expected]


def test_a_table_of_nothing_but_its_key_is_folded(lab: Lab) -> None:
    table = table_of("vinculos", ("a", "b"), a="integer", b="text")
    lab.land({"vinculos": [keyed(0, "insert", {"a": 1, "b": "x"}), keyed(1, "insert", {"a": 1, "b": "y"})]})
    lab.fold(table)
    lab.land({"vinculos": [keyed(2, "delete", {"a": 1, "b": "x"}), keyed(3, "update", {"a": 1, "b": "y"})]})
    lab.fold(table)
    assert lab.state(table) == {(1, "y"): ({"a": 1, "b": "y"}, 3)}


def test_the_cut_of_an_empty_raw_table_makes_an_empty_table(lab: Lab) -> None:
    assert lab.fold(TABLE, Cut(0, {}, {})) == FoldResult("t", before=-1, applied=-1)
    assert lab.rows(TABLE) == []
