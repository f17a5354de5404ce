"""What is told of a key's events is what the fold's oracle makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from lakehouse_assets.changelog.generations import Generation, completed
from lakehouse_assets.proof.fates import Fate, Told, fates
from lakehouse_assets_tests.changelog.cases import CASES, Case
from lakehouse_assets_tests.changelog.histories import Script, Source, scripts
from lakehouse_assets_tests.changelog.oracle import Event, fold

ALL = 1 << 62


def told(events: list[Event]) -> list[Told]:
    return [Told(e.position, e.op, e.lsn, e.tx_id, e.snapshot, e.key) for e in events]


def survivors(events: list[Event], applied: int = ALL) -> dict[str, int]:
    """Key -> position of the event that is its row, by the fates of its events."""
    seen, found = told(events), {}
    truncates = [event for event in seen if event.op == "truncate"]
    complete = completed([event for event in seen if event.op == "snapshot"])
    for key in {event.key for event in seen if event.key}:
        own = [event for event in seen if event.key == key]
        for event, (fate, by) in zip(own, fates(own, truncates, complete, applied), strict=True):
            assert (by is None) is (fate in (Fate.APPLIED, Fate.WAITING, Fate.UNREADABLE))
            if fate is Fate.APPLIED and event.op != "delete":
                assert key not in found, "two events are the row"
                found[key] = event.position
    return found


def expected(events: list[Event]) -> dict[str, int]:
    return {key: position for key, (_, position) in fold(events).rows.items()}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_rule_of_the_fold_is_told_as_it_is(case: Case) -> None:
    assert survivors(case.events) == expected(case.events)


@settings(max_examples=300, deadline=None)
@given(scripts())
def test_any_history_is_told_as_the_oracle_folds_it(script: Script) -> None:
    events = Source().run(script).topic
    assert survivors(events) == expected(events)
    for cut in range(0, len(events), 7):
        applied = events[cut].position
        assert survivors(events, applied) == expected([e for e in events if e.position <= applied])


def test_each_fate_has_its_cause() -> None:
    events = [
        Told(1, "insert", 10, 1, "false"),
        Told(2, "update", 11, 2, "false"),
        Told(3, "update", 11, 2, "false"),
        Told(6, "insert", 14, 4, "false"),
        Told(9, "delete", 20, 9, "false"),
        Told(10, "insert", 21, 10, "false"),
        Told(11, "update", 22, 11, "false"),
    ]
    truncates = [Told(5, "truncate", 13, 3, "false"), Told(12, "truncate", 13, 3, "false")]
    found = fates(events, truncates, [Generation(7, 8)], applied=10)
    assert found == [
        (Fate.OVERTAKEN, 2), (Fate.TRUNCATED, 5), (Fate.REPLAY, 2), (Fate.REMOVED, 8), (Fate.OVERTAKEN, 10),
        (Fate.APPLIED, None), (Fate.WAITING, None),
    ]  # fmt: skip
