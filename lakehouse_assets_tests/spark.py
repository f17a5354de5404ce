"""One Spark session for the whole test run, configured as the engine configures its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse_assets.engine.session import local_session, spark_config
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack.jars import ensure_jars, jar_paths
from lakehouse_assets.stack.java import require_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_MEMORY = "2g"  # hundreds of tables pass through one session, and Delta keeps each one's log for an hour


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session over Delta: of LAKEHOUSE_SPARK_REMOTE when that is set, else of a JVM of its own."""
    settings = load_settings()
    if settings.spark_remote:
        from pyspark.sql import SparkSession

        session = SparkSession.builder.remote(settings.spark_remote).getOrCreate()
    else:
        session = local_session(local_config(tmp_path_factory.mktemp("spark")))
    yield session
    session.stop()


def local_config(folder: Path) -> dict[str, str]:
    """The configuration of a local session that keeps its files in a folder; the jars are fetched where they are missing."""
    settings = load_settings()
    ensure_jars(settings.cache, print, require_java())
    return spark_config(jar_paths(settings.cache, "spark"), _MEMORY, folder)
