"""Where faults happen: a running stack whose connector reads the source through a link that can be broken."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.defs.resources import PID_TAG
from lakehouse_assets.gateways import connect
from lakehouse_assets.stack import connector
from lakehouse_assets.stack.connector_apply import wait_for_connector
from lakehouse_assets_tests.faults.proxy import Proxy
from lakehouse_assets_tests.real_stack import RealStack

RUN_SECONDS = 90  # within which the sensor asks for a run while there is traffic


class DidNotHappen(Exception):
    """What the fault needs did not come, so there was none: it is told and not counted."""


@dataclass(frozen=True)
class Ground:
    """A stack, its edge as the words have it, the link between connector and source, and its disk if it has its own."""

    stack: RealStack
    here: Edge
    link: Proxy
    disk: Path | None = None

    @property
    def paths(self) -> LakePaths:
        """The lake's folders."""
        return self.here.paths

    @property
    def admin_dsn(self) -> str:
        """The demo's database as its administrator."""
        return str(self.stack.links.owner_dsn)

    @property
    def connector(self) -> str:
        """The connector's name."""
        return connector.connector_name(self.stack.catalog)

    def use_link(self, *, through: bool) -> None:
        """Let the connector read the source through the link, or directly again."""
        links = self.stack.links
        config = connector.connector_config(self.stack.catalog, self.stack.settings, links)
        port = {"database.port": str(self.link.port)} if through else {}
        connect.apply_connector(links.connect_url, self.connector, config | port)
        wait_for_connector(self.stack.catalog, links, threading.Event())

    def processes(self, service: str) -> list[psutil.Process]:
        """The service's own process and all it started; none while it is down."""
        pid = self.stack.pid(service)
        try:
            return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if pid else []
        except psutil.NoSuchProcess:
            return []

    def kill(self, service: str) -> None:
        """SIGKILL to the service's own process, once it has one."""
        until = time.monotonic() + RUN_SECONDS
        while self.stack.pid(service) is None and time.monotonic() < until:
            time.sleep(0.2)
        for process in self.processes(service)[:1]:
            _signal(process, signal.SIGKILL)

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """The service and all it started stand still (SIGSTOP), and go on afterwards."""
        stopped = self.processes(service)
        for process in stopped:
            _signal(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                _signal(process, signal.SIGCONT)

    def next_run(self, *statuses: DagsterRunStatus) -> DagsterRun:
        """The next run that has one of the statuses."""
        until, home = time.monotonic() + RUN_SECONDS, self.stack.settings.dagster_home
        with DagsterInstance.from_config(str(home)) as instance:
            known = {run.run_id for run in instance.get_runs(limit=50)}
            while time.monotonic() < until:
                found = instance.get_runs(RunsFilter(statuses=list(statuses)), limit=10)
                if new := [run for run in found if run.run_id not in known]:
                    return new[0]
                time.sleep(0.05)
        raise DidNotHappen(f"no run within {RUN_SECONDS} s")

    def process_of(self, run: DagsterRun) -> psutil.Process:
        """The process that executes a run."""
        with DagsterInstance.from_config(str(self.stack.settings.dagster_home)) as instance:
            found = instance.get_run_by_id(run.run_id)
        pid = found.tags.get(PID_TAG) if found else None
        try:
            return psutil.Process(int(pid or 0))
        except (psutil.NoSuchProcess, ValueError):
            raise DidNotHappen("the run ended by itself") from None


@contextmanager
def ground_of(stack: RealStack, disk: Path | None = None) -> Iterator[Ground]:
    """The stack with its connector on the link; directly at the source again afterwards."""
    source = stack.links.replication
    ground = Ground(stack, Edge(stack.settings), Proxy(source.host, source.port), disk)
    ground.use_link(through=True)
    try:
        yield ground
    finally:
        ground.use_link(through=False)
        ground.link.close()


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # it ended by itself
        process.send_signal(number)
