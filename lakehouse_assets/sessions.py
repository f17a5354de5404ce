"""Which Spark a process works with: the engine when one runs, else a JVM of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse_assets.engine.session import local_session, require_remote, spark_config
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.jars import ensure_jars, jar_paths
from lakehouse_assets.stack.java import require_java
from lakehouse_assets.stack.ports import Port, listening

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ENGINE_SECONDS = 60.0


def session_config(settings: Settings, links: Connections) -> dict[str, str]:
    """`spark.remote` to attach to an engine, or the settings of a local session: every word works alone."""
    if settings.spark_remote or listening(Port.SPARK_CONNECT.of(settings.port_base)):
        return {"spark.remote": links.spark_remote}
    return spark_config(jar_paths(settings.cache, "spark"), settings.engine_memory, settings.home / "spark")


@contextmanager
def spark(settings: Settings, links: Connections, say: Callable[[str], None]) -> Iterator[SparkSession]:
    """A session for one word of the command line."""
    config = session_config(settings, links)
    if remote := config.get("spark.remote"):
        from pyspark.sql import SparkSession

        require_remote(remote, ENGINE_SECONDS)
        session = SparkSession.builder.remote(remote).getOrCreate()
    else:
        ensure_jars(settings.cache, say, require_java())
        say("starting Spark")
        session = local_session(config)
    try:
        yield session
    finally:
        session.stop()
