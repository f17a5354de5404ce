"""The fold's SQL against the oracle: rule by rule, and over random histories cut at random into batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st

from lakehouse_assets_tests.changelog.cases import CASES, WHOLE_TABLE, Case, by_case, side_by_side
from lakehouse_assets_tests.changelog.histories import Script, Source, scripts
from lakehouse_assets_tests.changelog.oracle import Event, fold
from lakehouse_assets_tests.changelog.plain import PlainTable, fold_in_batches, interpreted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A longer look: FOLD_EXAMPLES=1000 FOLD_SEED=7 pytest lakehouse_assets_tests/changelog/test_fold.py
EXAMPLES, SEED = int(os.environ.get("FOLD_EXAMPLES", "15")), int(os.environ.get("FOLD_SEED", "1"))
# What each says of batches holds of fewer; random histories are cut in any way.
LONGEST = [case for case in WHOLE_TABLE if len(case.batches) > 2 or "in a new epoch" in case.name]
CUTS = st.lists(st.floats(0, 1), max_size=4)


@pytest.fixture(scope="module")
def quick(spark: SparkSession) -> Iterator[SparkSession]:
    with interpreted(spark) as session:
        yield session


def rows_of(state: dict[tuple[Any, ...], tuple[dict[str, Any], int]]) -> list[tuple[int, int, str | None]]:
    return sorted((row["k"], row["v"], row["big"]) for row, _ in state.values())


def cuts_of(case: Case) -> list[int]:
    return [sum(len(batch) for batch in case.batches[: i + 1]) for i in range(len(case.batches))]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_oracle_knows_the_rule(case: Case) -> None:
    assert [rows_of(fold(case.events[:cut]).state()) for cut in cuts_of(case)] == case.after


def test_the_fold_keeps_every_rule_about_rows(quick: SparkSession) -> None:
    table, landed = PlainTable(quick), list[Event]()
    for batch, after in side_by_side():
        landed += batch
        state = table.fold(landed, landed[-1].position)
        assert by_case(rows_of(state)) == after
        assert state == fold(landed).state()


@pytest.mark.parametrize("case", WHOLE_TABLE, ids=[case.name for case in WHOLE_TABLE])
def test_the_fold_keeps_the_rule_about_the_whole_table(quick: SparkSession, case: Case) -> None:
    states = fold_in_batches(quick, case.events, cuts_of(case))
    assert [rows_of(state) for state in states] == case.after
    assert states[-1] == fold(case.events).state()


def test_folding_every_rule_about_rows_at_once_ends_the_same(quick: SparkSession) -> None:
    events = [event for batch, _ in side_by_side() for event in batch]
    (state,) = fold_in_batches(quick, events, [len(events)])
    assert state == fold(events).state()


@pytest.mark.parametrize("case", LONGEST, ids=[case.name for case in LONGEST])
def test_folding_the_whole_tables_changes_at_once_ends_the_same(quick: SparkSession, case: Case) -> None:
    (state,) = fold_in_batches(quick, case.events, [len(case.events)])
    assert state == fold(case.events).state()


@seed(SEED)
@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(scripts(), CUTS)
def test_any_history_in_any_batches_folds_as_the_oracle_says(
    quick: SparkSession, script: Script, places: list[float]
) -> None:
    events = Source().run(script).topic
    cuts = sorted({*(1 + int(place * (len(events) - 1)) for place in places), len(events)}) if events else []
    note(f"seed {SEED}, batches end after {cuts} of the events {events}")
    states = fold_in_batches(quick, events, cuts)
    for cut, state in zip(cuts, states, strict=True):
        assert state == fold(events[:cut]).state(), f"after {cut} events"
