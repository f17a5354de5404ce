"""The engine process: one JVM that runs the stream into raw and serves Spark Connect on loopback.

An edge of the program: it reads the settings. When the query dies, so does the process, and the supervisor starts
a new one, which continues from the checkpoint. SIGUSR1: the stream goes on with the catalog as it is in its file then.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import click
from tenacity import retry, retry_if_exception_type, wait_fixed

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import raw
from lakehouse_assets.engine.batches import BatchLog
from lakehouse_assets.engine.guard import Guard
from lakehouse_assets.engine.session import connect_config, local_session, spark_config
from lakehouse_assets.engine.stream_offsets import start_offsets
from lakehouse_assets.errors import EXIT_INTERRUPTED, LakehouseError
from lakehouse_assets.gateways.kafka import topic_states
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.jars import jar_paths
from lakehouse_assets.stack.observation import observe, slot_holder
from lakehouse_assets.stack.ports import Port, holder, listening

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

POLL_SECONDS = 1
LOOK_SECONDS = 5  # between two looks at who writes the stream, while the same process reads the slot

_catalog_changed = threading.Event()


def run(settings: Settings, *, once: bool) -> None:
    """Run the stream until it is stopped, or `once` over what is in Kafka now; raises LakehouseError when it fails."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    catalog, links, paths = load_catalog(settings.catalog), connections(settings), LakePaths(settings.lake)
    config = spark_config(jar_paths(settings.cache, "spark"), settings.engine_memory, settings.home / "spark")
    if not once:
        port = Port.SPARK_CONNECT.of(settings.port_base)
        if listening(port):
            raise LakehouseError(
                f"the engine runs already: port {port} is in use by {holder(port)}", where="engine",
                next_step="lakehouse status; to run it in this terminal, stop that one first: lakehouse down",
            )  # fmt: skip
        config |= connect_config(port)
    spark = local_session(config)
    try:
        raw.create_raw(spark, paths.raw)
        while not _stream(spark, settings, catalog, links, paths, once=once):
            if _catalog_changed.is_set():
                _catalog_changed.clear()
                catalog = load_catalog(settings.catalog)
    except (PySparkException, Py4JError) as error:
        raise LakehouseError(
            f"the stream ended: {_first_line(error)}",
            where="engine",
            next_step="lakehouse doctor shows which part is not well; the supervisor starts the engine again",
        ) from error
    finally:
        spark.stop()


def _stream(
    spark: SparkSession, settings: Settings, catalog: Catalog, links: Connections, paths: LakePaths, *, once: bool
) -> bool:
    """Run the stream until it ends, or has to begin again: then False."""
    guard = Guard(catalog, paths, settings.checkpoint, lambda: observe(catalog, links))
    # Those the lake knows are not waited for: if one is gone, that is a halt.
    known = continuity.known_identity(paths).topics
    _wait_for_topics(links.kafka_bootstrap, [table.topic for table in catalog.tables if table.topic not in known])
    _wait_until_sound(guard, paths, once=once)
    if _catalog_changed.is_set():
        return False
    identity, start = guard.begin(), start_offsets(settings.checkpoint)
    source = raw.messages(spark, catalog, links.kafka_bootstrap, settings.max_offsets_per_trigger, start)
    rows = raw.rows(spark, catalog, source, identity.epochs)
    query = raw.start_stream(rows, paths.raw, settings.checkpoint, None if once else settings.trigger_seconds)
    print("engine ready", flush=True)
    return _follow(query, guard, paths, lambda: slot_holder(catalog, links))


def _follow(query: StreamingQuery, guard: Guard, paths: LakePaths, holder: Callable[[], int | None]) -> bool:
    """Tell each batch until the stream ends, or until something is broken or the catalog changed: then it is put down,
    and False.

    A slot that nobody reads can be moved, and the first change delivered afterwards hides it: then every poll looks.
    """
    log, looked, held = BatchLog(lambda line: print(line, flush=True)), time.monotonic(), holder()
    while not query.awaitTermination(POLL_SECONDS):
        log.tell(query.lastProgress)
        before, held = held, holder()
        if held is None or held != before or time.monotonic() - looked >= LOOK_SECONDS:
            if found := guard.look():
                continuity.halt(paths, found)
            looked = time.monotonic()
        if _catalog_changed.is_set() or continuity.read_halt(paths):
            query.stop()
            return False
    log.tell(query.lastProgress)
    return True


def _wait_until_sound(guard: Guard, paths: LakePaths, *, once: bool) -> None:
    """Return when the stream may begin; a halt lasts until `lakehouse recover` lifts it."""
    while (found := guard.look_before_start()) or continuity.read_halt(paths):
        halted = continuity.halt(paths, found, stopped=True)
        if once:
            raise LakehouseError(halted.text, where="the stream is halted", next_step="lakehouse recover")
        print(f"halted: {halted.text or 'a recovery is at work'}; next: lakehouse recover", flush=True)
        while continuity.read_halt(paths):
            time.sleep(POLL_SECONDS)


@retry(wait=wait_fixed(1), retry=retry_if_exception_type(LakehouseError), sleep=time.sleep)
def _wait_for_topics(bootstrap: str, topics: list[str]) -> None:
    """Return when every topic exists: Kafka and the engine start at the same moment, `up` makes the topics.

    Returns too when another catalog may want other topics.
    """
    if _catalog_changed.is_set():
        return
    try:
        missing = sorted(set(topics) - set(topic_states(bootstrap, topics)))
    except LakehouseError as error:
        print(f"waiting for Kafka: {error.problem}", flush=True)
        raise
    if missing:
        print(f"waiting for topics: {', '.join(missing)}", flush=True)
        raise LakehouseError("topics are missing", where="kafka")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:") or "Exception: " in line]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0][:500]


def _reread(_signal: int, _frame: FrameType | None) -> None:
    print("the catalog is read again", flush=True)
    _catalog_changed.set()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    print("engine stopped", flush=True)
    sys.exit(0)


@click.command(help=__doc__)
@click.option("--once", is_flag=True, help="Bring what is in Kafka now into raw, then end.")
def main(once: bool) -> None:
    """Read the settings and run."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGUSR1, _reread)
    try:
        run(load_settings(), once=once)
    except LakehouseError as error:
        print(error.text(), file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
