"""The arrivals sensor's state, asked of the Dagster webserver; no Dagster import, so `status` stays quick."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_QUERY = """
query Sensor($selector: SensorSelector!) {
  sensorOrError(sensorSelector: $selector) {
    ... on Sensor { sensorState { status ticks(limit: 1) { status timestamp skipReason runIds error { message } } } }
  }
}
"""
_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "lakehouse_assets", "sensorName": "arrivals"}


@dataclass(frozen=True)
class SensorState:
    """`state` is running, stopped or unknown; `last_tick` says what its last evaluation decided."""

    state: str
    last_tick: str
    last_tick_at: float | None = None


def sensor_state(webserver_url: str) -> SensorState:
    """The sensor's state; unknown when the webserver does not answer."""
    body = json.dumps({"query": _QUERY, "variables": {"selector": _SELECTOR}}).encode()
    request = urllib.request.Request(f"{webserver_url}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            found: Any = json.load(response)["data"]["sensorOrError"]["sensorState"]
    except (OSError, urllib.error.URLError, ValueError, KeyError, TypeError):
        return SensorState("unknown", "the Dagster webserver does not answer")
    ticks = found["ticks"]
    return SensorState(
        found["status"].lower(), _told(ticks[0]) if ticks else "no tick yet", ticks[0]["timestamp"] if ticks else None
    )


def _told(tick: dict[str, Any]) -> str:
    if tick["error"]:
        return f"failed: {tick['error']['message'].strip().splitlines()[0]}"
    if tick["runIds"]:
        return f"requested run {tick['runIds'][0][:8]}"
    return tick["skipReason"] or tick["status"].lower()
