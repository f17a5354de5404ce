"""The engine process: one JVM that runs the stream into raw and serves Spark Connect on loopback.

An edge of the program: it reads the settings. When the query dies, so does the process, and the supervisor starts
a new one, which continues from the checkpoint.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

import click
from tenacity import retry, retry_if_exception_type, wait_fixed

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine import raw
from lakehouse_assets.engine.batches import BatchLog
from lakehouse_assets.engine.session import connect_config, local_session, spark_config
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.kafka import topic_states
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.jars import jar_paths
from lakehouse_assets.stack.ports import Port

POLL_SECONDS = 1


def run(settings: Settings, *, once: bool) -> None:
    """Run the stream until it is stopped, or `once` over what is in Kafka now; raises LakehouseError when it fails."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    catalog, links, paths = load_catalog(settings.catalog), connections(settings), LakePaths(settings.lake)
    config = spark_config(jar_paths(settings.cache, "spark"), settings.engine_memory, settings.home / "spark")
    if not once:
        config |= connect_config(Port.SPARK_CONNECT.of(settings.port_base))
    spark = local_session(config)
    try:
        raw.create_raw(spark, paths.raw)
        _wait_for_topics(links.kafka_bootstrap, [table.topic for table in catalog.tables])
        source = raw.messages(spark, catalog, links.kafka_bootstrap, settings.max_offsets_per_trigger)
        rows = raw.rows(spark, catalog, source)
        query = raw.start_stream(rows, paths.raw, settings.checkpoint, None if once else settings.trigger_seconds)
        print("engine ready", flush=True)
        log = BatchLog(lambda line: print(line, flush=True))
        while not query.awaitTermination(POLL_SECONDS):
            log.tell(query.lastProgress)
        log.tell(query.lastProgress)
    except (PySparkException, Py4JError) as error:
        raise LakehouseError(
            f"the stream ended: {_first_line(error)}",
            where="engine",
            next_step="lakehouse doctor shows which part is not well; the supervisor starts the engine again",
        ) from error
    finally:
        spark.stop()


@retry(wait=wait_fixed(1), retry=retry_if_exception_type(LakehouseError), sleep=time.sleep)
def _wait_for_topics(bootstrap: str, topics: list[str]) -> None:
    """Return when every topic exists: Kafka and the engine start at the same moment, `up` makes the topics."""
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


def _stop(_signal: int, _frame: FrameType | None) -> None:
    print("engine stopped", flush=True)
    sys.exit(0)


@click.command(help=__doc__)
@click.option("--once", is_flag=True, help="Bring what is in Kafka now into raw, then end.")
def main(once: bool) -> None:
    """Read the settings and run."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        run(load_settings(), once=once)
    except LakehouseError as error:
        print(error.text(), file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
