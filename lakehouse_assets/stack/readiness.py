"""Brings started services to where the pipeline works: database, topics and connector made, everything healthy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import (
    connect,
    connector,
    dagster,
    dashboard,
    engine,
    health,
    kafka,
    postgres,
    secrets,
)
from lakehouse_assets.stack.connections import CONNECT, DATABASE, KAFKA, POSTGRES, Connections
from lakehouse_assets.stack.connector_apply import apply, wait_for_connector
from lakehouse_assets.stack.ports import Port
from lakehouse_assets.stack.supervision import states

Fill = Callable[[], None]  # writes rows to a source whose tables are there


@dataclass(frozen=True)
class Readiness:
    """One wait for a whole stack: every part is waited for at the same time, what depends on others waits for them."""

    settings: Settings
    catalog: Catalog
    links: Connections
    started: frozenset[str]  # the services this stack started itself
    say: Callable[[str], None]
    since: float
    fill: Fill | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def reach(self) -> None:
        """Return when every part is healthy; LakehouseError of the first part that is not."""
        with ThreadPoolExecutor(max_workers=9) as pool, self._called_off_at_the_end():
            source = pool.submit(self._source)
            topics = pool.submit(self._topics)
            worker = pool.submit(self._worker)
            parts = [source, topics, worker, pool.submit(self._connector, (source, topics, worker))]
            parts += [pool.submit(self._port, name, port) for name, port in self._listeners()]
            parts.append(pool.submit(self._daemon))
            done, _ = wait(parts, return_when=FIRST_EXCEPTION)
            self._raise_first(done)

    def _listeners(self) -> Iterator[tuple[str, Port]]:
        yield engine.NAME, Port.SPARK_CONNECT
        yield dagster.CODE_SERVER, Port.CODE_SERVER
        yield dagster.WEBSERVER, Port.WEBSERVER
        yield dashboard.NAME, Port.DASHBOARD

    def _source(self) -> None:
        if not self.links.is_embedded(POSTGRES):
            self._require_source()
            self._tell("source (external)")
        elif postgres.NAME in self.started:
            self._healthy(postgres.NAME, self._admin_is_let_in)
            passwords = secrets.read_secrets(self.settings.home)
            postgres_gateway.bootstrap(
                self._admin,
                database=DATABASE,
                app_password=passwords[secrets.APP],
                replication_password=passwords[secrets.REPLICATION],
                catalog=self.catalog,
            )
            self._tell("postgres")
        # Before the connector looks at it: rows that are there arrive with its snapshot, and no run is made of empty tables.
        if self.fill:
            self.fill()

    def _admin_is_let_in(self) -> bool:
        try:
            postgres_gateway.execute(self._admin, "select 1")
        except LakehouseError as error:
            if "password" not in error.problem:
                return False
            raise LakehouseError(
                "the passwords are not those the database was made with",
                where=str(secrets.secrets_file(self.settings.home)),
                next_step="put the file back from a copy, or begin anew: lakehouse clean, then lakehouse up",
            ) from None
        return True

    def _require_source(self) -> None:
        found = postgres_gateway.access_problems(self.links.checking_dsn, self.links.source_dsn, self.catalog)
        if problems := [problem for problem in found if not problem.drift]:
            listing = "\n".join(f"  - {problem.text}\n      fix: {problem.fix_sql}" for problem in problems)
            raise LakehouseError(
                f"the source is not ready for change data capture\n{listing}",
                where=postgres_gateway.place(self.links.checking_dsn),
                next_step="run these fixes as an administrator of the source, then run the command again",
            )

    def _topics(self) -> None:
        bootstrap = self.links.kafka_bootstrap
        if kafka.NAME in self.started:
            self._healthy(kafka.NAME, lambda: health.accepts(Port.KAFKA.of(self.settings.port_base)))
        if kafka.NAME in self.started or not self.links.is_embedded(KAFKA):
            kafka_gateway.create_topics(bootstrap, connector.topics(self.catalog), timeout_ms=60_000)
            self._tell("kafka")

    def _worker(self) -> None:
        if connect.NAME in self.started:
            self._healthy(connect.NAME, lambda: health.answers(f"{self.links.connect_url}/connectors"))
            self._tell("connect")
        elif not self.links.is_embedded(CONNECT):
            connect_gateway.worker_version(self.links.connect_url)
            self._tell("connect (external)")

    def _connector(self, needed: tuple[Future[None], ...]) -> None:
        for part in needed:
            part.result()
        if connect.NAME not in self.started and self.links.is_embedded(CONNECT):
            return
        apply(self.settings, self.catalog, self.links)
        if connector.access(self.settings, self.links).in_clear:
            self.say("note: the external Connect holds the source's password in clear; LAKEHOUSE_REPLICATION_DSN may"
                     " carry a reference such as ${file:...} of that worker instead")  # fmt: skip
        wait_for_connector(self.catalog, self.links, self.stop)
        self._tell("connector")

    def _port(self, name: str, port: Port) -> None:
        if name not in self.started:
            return
        if name == dagster.WEBSERVER:
            # It starts without its code server and looks for it each second: healthy is when it has the definitions.
            url = self.links.webserver_url
            self._healthy(name, lambda: health.code_location_problem(url, dagster.LOCATION) is None)
        elif name == dashboard.NAME:
            self._healthy(name, lambda: health.answers(f"{self.links.page_url}{dashboard.HEALTH}"))
        else:
            self._healthy(name, lambda: health.accepts(port.of(self.settings.port_base)))
        self._tell(name)

    def _daemon(self) -> None:
        if dagster.DAEMON in self.started:
            self._healthy(dagster.DAEMON, lambda: states(self.settings.home).get(dagster.DAEMON, ("",))[0] == "RUNNING")
            self._tell(dagster.DAEMON)

    @property
    def _admin(self) -> str:
        return self.links.admin_dsn or ""

    def _healthy(self, service: str, healthy: Callable[[], bool]) -> None:
        health.wait_until(self.settings.home, service, healthy, self.stop)

    def _tell(self, part: str) -> None:
        self.say(f"{part} ready after {time.monotonic() - self.since:.1f} s")

    def _raise_first(self, done: set[Future[None]]) -> None:
        errors = [error for part in done if (error := part.exception())]
        for error in sorted(errors, key=lambda error: isinstance(error, health.Stopped)):
            raise error

    @contextmanager
    def _called_off_at_the_end(self) -> Iterator[None]:
        # Ctrl-C or a failed part: the pool waits for its threads, so they have to be told.
        try:
            yield
        finally:
            self.stop.set()
