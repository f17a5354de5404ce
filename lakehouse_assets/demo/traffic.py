"""Runs the traffic against the source at a steady rate and ends cleanly: at its time, on Ctrl-C, or when told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType

import psycopg2
from psycopg2.extensions import connection as Connection

from lakehouse_assets.demo.report import TrafficReport, silent
from lakehouse_assets.demo.workload import Workload
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.gateways.postgres import connect, failure, place
from lakehouse_assets.keys import Key

MAX_RATE = 20_000
MAX_SECONDS = 7 * 24 * 3600
PROGRESS_SECONDS = 5
_LOCK_TIMEOUT = "2s"  # another session's long transaction must not stop the traffic


def simulate(
    dsn: str,
    rate: float,
    seconds: float,
    seed: int = 0,
    say: Callable[[str], None] = silent,
    stop: threading.Event | None = None,
    cipher: Key | None = None,
) -> TrafficReport:
    """Make `rate` row changes a second for `seconds`, the same ones for the same `seed` on the same rows.

    Returns what was committed. Setting `stop`, or Ctrl-C, ends it after the current transaction; the report tells of
    Ctrl-C, so that the caller ends too. Without `cipher` no new boleto has an observacao.
    Raises ConfigurationError for numbers out of range, LakehouseError when the source fails.
    """
    _check(rate, seconds, seed)
    report = TrafficReport()
    try:
        with _stopping(stop or threading.Event(), report) as stopping, _sessions(dsn) as (main, other):
            workload = Workload(main, other, Random(seed), rate, report, cipher)
            _keep_pace(workload, rate, seconds, say, stopping)
            return report
    except psycopg2.errors.UndefinedTable as error:
        raise failure(
            error, place(dsn), next_step="make the tables: lakehouse up, or infra/postgres/01_tables.sql"
        ) from None
    except psycopg2.Error as error:
        raise failure(error, place(dsn)) from None


def _check(rate: float, seconds: float, seed: int) -> None:
    problems = []
    if not isinstance(rate, int | float) or not 0 < rate <= MAX_RATE:
        problems.append(f"rate is {rate}; accepted: row changes a second, above 0, at most {MAX_RATE}")
    if not isinstance(seconds, int | float) or not 0 < seconds <= MAX_SECONDS:
        problems.append(f"seconds is {seconds}; accepted: above 0, at most {MAX_SECONDS}")
    if not isinstance(seed, int):
        problems.append(f"seed is {seed}; accepted: a whole number")
    if problems:
        raise ConfigurationError(problems, where="simulate")


def _keep_pace(
    workload: Workload, rate: float, seconds: float, say: Callable[[str], None], stopping: threading.Event
) -> None:
    report, started, told = workload.report, time.monotonic(), 0.0
    while not stopping.is_set() and workload.attempted < rate * seconds:
        elapsed = time.monotonic() - started
        if elapsed >= seconds:
            break
        behind = elapsed - workload.attempted / rate
        if behind < 0:
            stopping.wait(-behind)
            continue
        report.worst_lag = max(report.worst_lag, behind)
        workload.step()
        report.seconds = time.monotonic() - started
        if report.seconds - told >= PROGRESS_SECONDS:
            told = report.seconds
            say(report.line())
    workload.finish()
    report.seconds = time.monotonic() - started


@contextmanager
def _sessions(dsn: str) -> Iterator[tuple[Connection, Connection]]:
    opened: list[Connection] = []
    try:
        for _ in range(2):
            connection = connect(dsn, application_name="lakehouse simulate")
            opened.append(connection)
            with connection, connection.cursor() as cursor:
                cursor.execute("set lock_timeout = %s", [_LOCK_TIMEOUT])
        yield opened[0], opened[1]
    finally:
        for connection in opened:
            connection.close()


@contextmanager
def _stopping(stop: threading.Event, report: TrafficReport) -> Iterator[threading.Event]:
    """The event, also set by the first Ctrl-C, of which the report tells; a second one interrupts as usual.

    Only a main thread has signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, previous)
        report.interrupted = True
        stop.set()

    previous = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
