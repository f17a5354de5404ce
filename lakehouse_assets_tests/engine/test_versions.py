"""The history through the real MERGE: told as the oracle says, with its position in the same commit, hidden as transformed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from lakehouse_assets.catalog.model import Protect
from lakehouse_assets.catalog.rules import AmountRule, DateRule
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.positions import HISTORY_APP, newest_cut
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import rebuild
from lakehouse_assets.engine.versions import Told, tell
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets_tests.changelog import oracle
from lakehouse_assets_tests.changelog.histories import TABLE, Source, key_of, long_script, moment
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEPT = replace(TABLE, history=True)
# A history in which changes of every kind, a truncate and a snapshot end versions that an earlier batch began, and rows
# move with unavailable values.
SEED, KEYS, ACTIONS, BATCHES = 1166, 8, 120, 3


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path)


def told(lab: Lab) -> list[dict[str, Any]]:
    rows = DeltaTable(str(lab.paths.history("t"))).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: row["valid_from_position"])


def change(position: int, op: str, k: int, v: int = 0, **more: Any) -> Event:
    after = None if op == "delete" else {"k": k, "v": v, "big": "x", "s": "s"} | more
    return Event(position, op, key_of(k), after, 100 + position, 700 + position)


def arrive(lab: Lab, *events: Event) -> Told:
    lab.land({"t": list(events)})
    lab.fold(KEPT)
    return tell(lab.spark, KEPT, lab.paths, newest_cut(lab.paths))


def test_a_long_history_is_told_as_the_oracle_says_after_every_batch(lab: Lab) -> None:
    events = Source(keys=KEYS).run(long_script(SEED, KEYS, ACTIONS)).topic
    size = -(-len(events) // BATCHES)
    for start in range(0, len(events), size):
        assert arrive(lab, *events[start : start + size]).applied == events[: start + size][-1].position
        rows = [
            ((r["k"], r["v"], r["big"], r["s"]), r["valid_from_position"], r["valid_to_position"]) for r in told(lab)
        ]
        assert rows == sorted(oracle.versions(events[: start + size]), key=lambda version: version[1])
    for row in told(lab):
        ended = row["valid_to_position"]
        assert row["valid_from"] == moment(row["valid_from_position"])
        assert row["valid_to"] == (None if ended is None else moment(ended))
    again = told(lab)
    rebuild(lab.spark, KEPT, lab.paths)
    assert told(lab) == again


def test_the_position_is_in_the_commit_and_what_is_told_is_not_told_again(lab: Lab) -> None:
    done = arrive(lab, change(0, "insert", 1), change(1, "update", 1, 2), change(2, "insert", 2))
    assert done == Told(before=-1, applied=2, begun=3, ended=0)
    path = lab.paths.history("t")
    writing = [c for c in deltalog.commits(path, -1, deltalog.newest_version(path)) if c.added]
    assert [c.transactions for c in writing] == [{HISTORY_APP: 2}]
    assert tell(lab.spark, KEPT, lab.paths, newest_cut(lab.paths)) == Told(2, 2)
    # The connector was started again and sends what it had sent.
    repeated = replace(change(1, "update", 1, 2), position=3)
    assert arrive(lab, repeated, change(4, "delete", 2)) == Told(before=2, applied=4, begun=0, ended=1)


def test_a_history_is_never_ahead_of_its_transformed_table(lab: Lab) -> None:
    arrive(lab, change(0, "insert", 1))
    lab.land({"t": [change(1, "update", 1, 7)]})
    assert tell(lab.spark, KEPT, lab.paths, newest_cut(lab.paths)) == Told(0, 0)


def test_a_cell_is_read_and_hidden_as_in_transformed_also_where_a_version_keeps_it(lab: Lab) -> None:
    ways = {"v": {}, "big": {"rule": AmountRule()}, "s": {"protect": Protect.MASK, "keep": 1}}
    read = replace(KEPT, columns=tuple(replace(c, **ways.get(c.name, {})) for c in KEPT.columns))
    for event in (
        change(0, "insert", 1, big="R$ 1,50", s="segredo"),
        change(1, "update", 1, 5, big=oracle.PLACEHOLDER, s=oracle.PLACEHOLDER),
    ):
        lab.land({"t": [event]})
        lab.fold(read)
        tell(lab.spark, read, lab.paths, newest_cut(lab.paths))
    with open_lake(lab.paths) as lake:
        columns = "k, v, CAST(big AS VARCHAR), big__raw, big__status, s"
        current = lake.query(f"SELECT {columns} FROM transformed.t").rows
        rows = lake.query(f"SELECT {columns} FROM history.t ORDER BY valid_from_position").rows
    assert rows == [(1, 0, "1.50", "R$ 1,50", "ok", "******o"), *current]
    assert current == [(1, 5, "1.50", "R$ 1,50", "ok", "******o")]
    others = replace(read, columns=tuple(replace(c, rule=DateRule()) if c.rule else c for c in read.columns))
    with pytest.raises(LakehouseError, match="lakehouse rebuild t"):
        tell(lab.spark, others, lab.paths, newest_cut(lab.paths))
