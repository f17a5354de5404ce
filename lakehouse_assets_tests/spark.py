"""One Spark session for the whole test run, configured as the engine configures its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lakehouse_assets.engine.session import local_session, spark_config
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack.jars import ensure_jars, jar_paths
from lakehouse_assets.stack.java import require_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session over Delta; the jars are fetched where they are missing."""
    settings = load_settings()
    ensure_jars(settings.cache, print, require_java())
    config = spark_config(jar_paths(settings.cache, "spark"), settings.engine_memory, tmp_path_factory.mktemp("spark"))
    session = local_session(config)
    yield session
    session.stop()
