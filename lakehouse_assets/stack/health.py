"""Waits until a service does its work, not merely runs; a service that cannot is told with the end of its log."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack import ports, secrets, supervision

WAIT_SECONDS = 300
_POLL_SECONDS = 0.2
_MOST_STARTS = 5  # a service that ended so often while it was waited for will not come up by itself
_LOG_LINES = 12
_LOCATIONS = """{ workspaceOrError { ... on Workspace {
    locationEntries { name locationOrLoadError { __typename ... on PythonError { message } } }
} } }"""


class Stopped(Exception):
    """The waiting was called off: another part failed, or the person pressed Ctrl-C."""


def wait_until(
    home: Path, service: str, healthy: Callable[[], bool], stop: threading.Event, seconds: float = WAIT_SECONDS
) -> None:
    """Return when `healthy()`; LakehouseError with the end of the log when it never is; Stopped when called off."""
    deadline = time.monotonic() + seconds
    pids: set[int] = set()
    while not healthy():
        state, pid = supervision.states(home).get(service, ("unknown to the supervisor", None))
        pids |= {pid} if pid else set()
        if len(pids) > _MOST_STARTS:
            raise failure(home, service, f"ended {_MOST_STARTS} times while it started")
        if time.monotonic() > deadline:
            raise failure(home, service, f"not healthy after {seconds:.0f} s (supervisor: {state})")
        if stop.wait(_POLL_SECONDS):
            raise Stopped


def answers(url: str) -> bool:
    """Whether an HTTP GET of `url` is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return 200 <= response.status < 300
    except (OSError, urllib.error.URLError, ValueError):
        return False


def accepts(port: int) -> bool:
    """Whether something of ours accepts connections on a loopback port."""
    return ports.listening(port)


def failure(home: Path, service: str, problem: str) -> LakehouseError:
    """The error of a service that is not well: the problem, the last lines of its log and where the log is."""
    log = supervision.log_file(home, service)
    tail = log_tail(home, log)
    text = f"{problem}\n{tail}" if tail else problem
    return LakehouseError(text, where=service, next_step=f"read {log}, then run the command again")


def log_tail(home: Path, log: Path, lines: int = _LOG_LINES) -> str:
    """The last lines of a log, indented, with every password of the stack blotted out."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode("utf-8", errors="replace")
    for password in secrets.read_secrets(home).values():
        text = text.replace(password, "***") if password else text
    return "\n".join(f"    {line[:300]}" for line in text.splitlines()[-lines:])


def code_location_problem(webserver_url: str, location: str) -> str | None:
    """Why Dagster has not loaded the code location, None once it has."""
    request = urllib.request.Request(f"{webserver_url}/graphql", json.dumps({"query": _LOCATIONS}).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            entries = json.load(response)["data"]["workspaceOrError"].get("locationEntries", [])
    except (OSError, urllib.error.URLError, ValueError, KeyError, TypeError):
        return "the webserver does not answer"
    found = next((entry["locationOrLoadError"] for entry in entries if entry["name"] == location), None)
    if not found:
        return f"{location} is not loaded yet"
    return str(found["message"]).strip().splitlines()[0] if "message" in found else None
