"""The history's SQL against the oracle: rule by rule, and over random histories cut at random into batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st

from lakehouse_assets.catalog.model import VERSION_COLUMNS
from lakehouse_assets.changelog.versions import versions
from lakehouse_assets.engine import survey
from lakehouse_assets_tests.changelog import oracle
from lakehouse_assets_tests.changelog.cases import BY_NAME, Case, side_by_side
from lakehouse_assets_tests.changelog.histories import TABLE, Script, Source, moment, scripts
from lakehouse_assets_tests.changelog.oracle import Event, Version
from lakehouse_assets_tests.changelog.plain import PlainTable, interpreted, local_view

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXAMPLES, SEED = int(os.environ.get("FOLD_EXAMPLES", "8")), int(os.environ.get("FOLD_SEED", "1"))
# The rules that end versions; that the right rows are left by the others is the fold's.
ENDING = [
    BY_NAME[name]
    for name in (
        "the same transaction and LSN in a new epoch are another change", "a truncate removes every row",
        "rows live that come after a truncate", "a row written again after a truncate has nothing of its earlier life",
        "a truncate that comes again does nothing", "rows from before a truncate do not come back with it",
        "a finished snapshot removes the rows it did not see",
        "a snapshot across batches removes when its last row comes, and not before",
        "an unfinished snapshot removes nothing, the next one counts from its own start",
        "two snapshots in one batch remove what either did not see",
        "a row that a snapshot removed stays removed when its component moves again",
        "a change newer than the snapshot takes what the snapshot saw",
    )
]  # fmt: skip
NAMES = [c.name for c in TABLE.columns]
_TYPES = {"int": pa.int32(), "string": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us", "UTC")}
COLUMNS = pa.schema(
    [
        (name, _TYPES[kind])
        for name, kind in {"k": "int", "v": "int", "big": "string", "s": "string", **VERSION_COLUMNS}.items()
    ]
)


@dataclass
class PlainHistory(PlainTable):
    """A history as a dict, changed as the MERGE changes it: (key, where it began) -> version."""

    told: dict[tuple[Any, int], dict[str, Any]] = field(default_factory=dict)

    def tell(self, events: list[Event], target: int) -> list[Version]:
        raw, seen, folded = self.read_range(events, target)
        ends = survey.ends(self.spark, raw, self.table, seen, folded)
        told = local_view(self.spark, "told_so_far", list(self.told.values()), COLUMNS)
        found = self.spark.sql(versions(told, raw, self.table, folded, ends)).collect()
        source = [{name: _instant(value) for name, value in row.asDict().items()} for row in found]
        by_key = {(row["k"], row["valid_from_position"]): row for row in source}
        assert len(by_key) == len(source), "a version is told twice: the MERGE would refuse it"
        for key, row in by_key.items():
            ended = {name: row[name] for name in ("valid_to", "valid_to_position")}
            self.told[key] = (
                self.told[key] | (ended if row["valid_to_position"] is not None else {}) if key in self.told else row
            )
        for key, row in self.told.items():
            swept = [end.position for end in ends if end.floor > row["valid_from_position"]]
            if key not in by_key and row["valid_to_position"] is None and swept:
                self.told[key] = row | {"valid_to_position": min(swept)}
        return self.versions()

    def versions(self) -> list[Version]:
        return by_place(
            (tuple(row[name] for name in NAMES), row["valid_from_position"], row["valid_to_position"])
            for row in self.told.values()
        )


def _instant(value: Any) -> Any:
    """Spark gives an instant in the machine's zone, without saying so."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def by_place(told: Any) -> list[Version]:
    return sorted(told, key=lambda version: version[1])


@pytest.fixture(scope="module")
def quick(spark: SparkSession) -> Iterator[SparkSession]:
    with interpreted(spark) as session:
        yield session


def expected(events: list[Event]) -> list[Version]:
    return by_place(oracle.versions(events))


def test_every_rule_about_rows_is_kept_by_the_history(quick: SparkSession) -> None:
    history, landed = PlainHistory(quick), list[Event]()
    for batch, _ in side_by_side():
        landed += batch
        assert history.tell(landed, landed[-1].position) == expected(landed)


@pytest.mark.parametrize("case", ENDING, ids=[case.name for case in ENDING])
def test_a_rule_about_the_whole_table_is_kept_by_the_history(quick: SparkSession, case: Case) -> None:
    history, seen = PlainHistory(quick), 0
    for batch in case.batches:
        seen += len(batch)
        assert history.tell(case.events, case.events[seen - 1].position) == expected(case.events[:seen])


@seed(SEED)
@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(scripts(), st.lists(st.floats(0, 1), max_size=3))
def test_any_history_in_any_batches_is_told_as_the_oracle_says(
    quick: SparkSession, script: Script, places: list[float]
) -> None:
    events = Source().run(script).topic
    cuts = sorted({*(1 + int(place * (len(events) - 1)) for place in places), len(events)}) if events else []
    note(f"seed {SEED}, batches end after {cuts} of the events {events}")
    history = PlainHistory(quick)
    for cut in cuts:
        assert history.tell(events, events[cut - 1].position) == expected(events[:cut]), f"after {cut} events"
    for row in history.told.values():
        assert row["valid_from"].timestamp() == moment(row["valid_from_position"]).timestamp()
