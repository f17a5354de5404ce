"""What failed rests for a while before it is asked for again, and nothing else waits with it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

EVERYTHING = AssetKey(["everything"])
_FIRST_WAIT, _LONGEST_WAIT = 10, 300  # seconds after a failure
_FAILURES_LOOKED_AT = 8


def resting(instance: DagsterInstance, tags: Mapping[str, str], keys: Iterable[AssetKey]) -> dict[AssetKey, float]:
    """Which of the assets failed in the newest runs with these tags, and the seconds they rest.

    10 after one failure, doubling to 5 minutes. `EVERYTHING` rests after a run that ended without a failed step.
    """
    by_step = {key.to_python_identifier(): key for key in keys}
    runs = RunsFilter(tags=dict(tags), statuses=[DagsterRunStatus.FAILURE])
    ended: dict[AssetKey, list[float]] = {}
    for record in instance.get_run_records(runs, limit=_FAILURES_LOOKED_AT):
        at = record.end_time or 0
        steps = _failed_steps(instance, record.dagster_run)
        for key in [by_step[step] for step in steps if step in by_step] if steps else [EVERYTHING]:
            times = ended.setdefault(key, [])
            # An older failure counts when it was one of the same row.
            if not times or times[-1] - at <= 2 * _LONGEST_WAIT:
                times.append(at)
    now = time.time()
    left = {
        key: times[0] + min(_FIRST_WAIT * 2 ** (len(times) - 1), _LONGEST_WAIT) - now for key, times in ended.items()
    }
    return {key: seconds for key, seconds in left.items() if seconds > 0}


def _failed_steps(instance: DagsterInstance, run: DagsterRun) -> set[str]:
    failures = instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    return {entry.step_key for entry in failures if entry.step_key}
