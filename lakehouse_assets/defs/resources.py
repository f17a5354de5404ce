"""What the assets use: a Spark session (attached or local), the source database, and the lake at this run's cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dagster import ConfigurableResource, InitResourceContext
from dagster_pyspark import LazyPySparkResource
from pydantic import PrivateAttr

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.positions import Cut, newest_cut
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.engine.session import require_remote
from lakehouse_assets.gateways import kafka, postgres

PID_TAG = "lakehouse/pid"
ENGINE_SECONDS = 60.0


class SparkResource(LazyPySparkResource):
    """Spark: `spark_config` holds `spark.remote` to attach to an engine, or the settings of a local session.

    The session starts when an asset first asks for it; an engine that is starting again is waited for.
    """

    @property
    def spark_session(self) -> Any:
        """The session."""
        remote = self.spark_config.get("spark.remote")
        if remote and self._spark_session is None:
            require_remote(remote, ENGINE_SECONDS)
        return super().spark_session


class PostgresResource(ConfigurableResource):
    """The source database, read with the application role."""

    dsn: str

    def row_estimates(self, tables: list[str]) -> dict[str, int]:
        """`schema.table` -> rows as the planner estimates them (free of cost); -1 before the first ANALYZE."""
        with postgres.connect(self.dsn) as connection, connection.cursor() as cursor:
            cursor.execute(
                "select name, reltuples::bigint from unnest(%s) name join pg_class on oid = name::regclass", [tables]
            )
            return dict(cursor.fetchall())


class KafkaResource(ConfigurableResource):
    """The broker, asked only when raw lacks an offset."""

    bootstrap: str

    def tombstones(self, topic: str, offsets: list[int]) -> set[int]:
        """Which of the offsets hold a message without a value, which raw leaves out by design."""
        return kafka.tombstones(self.bootstrap, topic, offsets)


class LakeResource(ConfigurableResource):
    """The lake. Its cut is looked up once a run, so that every table of the run is folded to the same raw version."""

    root: str
    _cut: Cut | None = PrivateAttr(default=None)
    _reader: LakeReader | None = PrivateAttr(default=None)
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Leave this process's number with the run: the sensor tells a run that was killed from one that works."""
        self._cut = self._reader = None
        if context.run and context.instance:
            context.instance.add_run_tags(context.run.run_id, {PID_TAG: str(os.getpid())})

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        """Close the reader."""
        self._open.close()

    @property
    def paths(self) -> LakePaths:
        """Where the layers are."""
        return LakePaths(Path(self.root))

    @property
    def cut(self) -> Cut:
        """The raw version this run works up to."""
        if self._cut is None:
            self._cut = newest_cut(self.paths)
        return self._cut

    @contextmanager
    def reader(self) -> Iterator[LakeReader]:
        """SQL over the lake without Spark: an engine of its own, so what it finds is independent evidence.

        Opened once a run: to open it for every asset would be a tenth of the run's time.
        """
        if self._reader is None:
            self._reader = self._open.enter_context(open_lake(self.paths))
        self._reader.look_again()
        yield self._reader


def spark_resource(config: dict[str, Any]) -> SparkResource:
    """The resource over flat Spark settings."""
    return SparkResource(spark_config=config)
