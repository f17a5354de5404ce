"""The check of the stream: an error for the halted tables, a warning when WAL runs out, a run only when the answer changes."""

from __future__ import annotations

import pytest
from dagster import (
    AssetCheckSeverity,
    AssetSpec,
    DagsterInstance,
    Definitions,
    RunRequest,
    SkipReason,
    build_sensor_context,
    in_process_executor,
)  # fmt: skip

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.continuity import Break, Halt, Kind, StreamState, WalGuard
from lakehouse_assets.defs import raw, stream
from lakehouse_assets_tests.real_stack import CATALOG as FILE

CATALOG = load_catalog(FILE)
WELL = WalGuard(1 << 20, 99 << 20, 3.0)
NEARLY_LOST = WalGuard(90 << 20, 10 << 20, 3.0)
GONE = Halt((Break(Kind.TOPIC_MISSING, ("imoveis",), "topic imoveis is gone"),), "2026-01-31T12:00:00+00:00", True)
INTACT = StreamState(None, WELL)


def evaluated(state: StreamState) -> dict[str, tuple[bool, AssetCheckSeverity, str | None]]:
    """What the check says of each table."""
    check = stream.build(CATALOG, lambda: state)
    stand_ins = [AssetSpec(raw.key(name)) for name in CATALOG.names]
    defs = Definitions(
        assets=stand_ins, asset_checks=[check], sensors=[stream.build_sensor(check, lambda: state)], executor=in_process_executor
    )  # fmt: skip
    with DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(stream.JOB).execute_in_process(instance=instance)
    return {e.asset_key.path[-1]: (e.passed, e.severity, e.description) for e in result.get_asset_check_evaluations()}


def test_an_intact_stream_passes_for_every_table():
    assert {name: passed for name, (passed, _, _) in evaluated(INTACT).items()} == dict.fromkeys(CATALOG.names, True)


def test_a_halt_fails_the_tables_it_concerns_and_no_other():
    found = evaluated(StreamState(GONE, WELL))
    assert found["imoveis"] == (False, AssetCheckSeverity.ERROR, "topic imoveis is gone")
    assert found["moradores"][0]


def test_wal_that_is_about_to_be_lost_warns():
    passed, severity, words = evaluated(StreamState(None, NEARLY_LOST))["imoveis"]
    assert (passed, severity) == (False, AssetCheckSeverity.WARN)
    assert words == "10.0 MiB more of WAL and the slot is lost: 90.0 MiB wait to be read"


def test_a_source_that_does_not_answer_is_no_verdict_on_the_stream():
    assert evaluated(StreamState(None, None))["imoveis"][0]


@pytest.mark.parametrize("state", [StreamState(GONE, WELL), StreamState(None, NEARLY_LOST)])
def test_the_sensor_asks_for_a_run_when_the_answer_changes_and_only_then(state):
    states = [INTACT]
    sensor = stream.build_sensor(stream.build(CATALOG, lambda: states[-1]), lambda: states[-1])
    context = build_sensor_context()
    assert isinstance(sensor(context), RunRequest)
    assert isinstance(sensor(context), SkipReason)
    states.append(StreamState(None, WalGuard(2 << 20, 98 << 20, 9.0)))
    assert isinstance(sensor(context), SkipReason), "figures that move are no other answer"
    states.append(state)
    assert isinstance(sensor(context), RunRequest)
    assert isinstance(sensor(context), SkipReason)


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (WELL, ""),
        (WalGuard(10 << 30, None, 3.0), ""),
        (WalGuard(80 << 20, 20 << 20, None), ""),
        (WalGuard(1 << 20, 99 << 20, 61.0), "61 s old"),
    ],
)
def test_the_guard_of_wal_knows_its_limits(guard, words):
    assert words in guard.problem if words else guard.problem == ""
