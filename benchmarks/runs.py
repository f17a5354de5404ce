"""How long the parts of Dagster's runs took, from its event log."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from dagster import DagsterEventType, DagsterInstance, RunsFilter


def steps(since: float, until: float) -> dict[str, list[float]]:
    """Seconds by part of the runs created between two moments: request to start, each step, whole run, between runs."""
    instance = DagsterInstance.get()
    window = RunsFilter(
        created_after=datetime.fromtimestamp(since, UTC), created_before=datetime.fromtimestamp(until, UTC)
    )
    found: dict[str, list[float]] = defaultdict(list)
    ended: float | None = None
    for record in reversed(list(instance.get_run_records(window))):
        created = record.create_timestamp.timestamp()
        if record.start_time is None or record.end_time is None:
            continue
        if ended is not None:
            found["end of a run to the next request (sensor tick)"].append(created - ended)
        found["request to start (process, imports)"].append(record.start_time - created)
        started: dict[str, float] = {}
        for event in instance.all_logs(record.dagster_run.run_id):
            if not event.dagster_event or not event.step_key:
                continue
            if event.dagster_event.event_type is DagsterEventType.STEP_START:
                started[event.step_key] = event.timestamp
            elif event.dagster_event.event_type is DagsterEventType.STEP_SUCCESS:
                found[f"step {event.step_key}"].append(event.timestamp - started[event.step_key])
        found["whole run, request to end"].append(record.end_time - created)
        ended = record.end_time
    return dict(sorted(found.items()))
