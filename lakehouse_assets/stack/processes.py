"""Finds and ends every process of a stack by the mark in its environment, whoever its parent is by now."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from lakehouse_assets.stack.service import HOME_MARK, SERVICE_MARK


def of_stack(home: Path, service: str | None = None, data: Path | None = None) -> list[psutil.Process]:
    """The processes marked with `home` (and `service`), without this one and its ancestors.

    PostgreSQL's backends overwrite their environment to show what they do; they are known by their folder, `data`.
    """
    mine = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in mine and _belongs(process, home, service, data)
    ]


def end(processes: Iterable[psutil.Process], grace_seconds: float) -> list[psutil.Process]:
    """Ask each to end, wait, and kill those that did not; returns any that is alive even then."""
    alive = [process for process in processes if _signal(process, kill=False)]
    _, alive = psutil.wait_procs(alive, timeout=grace_seconds)
    for process in alive:
        _signal(process, kill=True)
    _, alive = psutil.wait_procs(alive, timeout=10)
    return alive


def wait_for_none(home: Path, data: Path | None, seconds: float) -> list[psutil.Process]:
    """Wait until no process of the stack is left; returns those that are after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := of_stack(home, data=data)) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=0.3)
    return left


def _belongs(process: psutil.Process, home: Path, service: str | None, data: Path | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        environment = process.environ()
        if environment.get(HOME_MARK) == str(home):
            return service is None or environment.get(SERVICE_MARK) == service
        return data is not None and process.name() == "postgres" and process.cwd() == str(data)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False


def _signal(process: psutil.Process, *, kill: bool) -> bool:
    try:
        if kill:
            process.kill()
        elif process.name() == "postgres":
            process.send_signal(signal.SIGINT)  # TERM would wait until its last client goes away
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return False
    return True
