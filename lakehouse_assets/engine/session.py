"""How Spark is configured: one place for the engine, for a local session and for the tests.

The costs that matter on a laptop are fixed costs per job, so small shuffles and small Delta snapshots come first;
a cluster brings its own settings and is reached through `LAKEHOUSE_SPARK_REMOTE`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from lakehouse_assets.addresses import shown
from lakehouse_assets.errors import LakehouseError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DEFAULT_CONNECT_PORT = 15002
_OURS = ("SPARK_LOCAL_IP",)  # which the stack gives its engine
JVM_OPTIONS = " ".join(
    (
        "-XX:+UseSerialGC",  # measured better than the default on 2 cores
        # What runs a few hundred times is not worth compiling: measured over a session's first 16 folds, 20 % less CPU.
        "-XX:CompileThresholdScaling=3",
        "-XX:MetaspaceSize=256m",  # below it no class that is loaded makes the collector go through the whole heap
        "-Dderby.stream.error.file=/dev/null",
        "-Djava.net.preferIPv4Stack=true",
    )
)


def spark_config(jars: Iterable[Path], memory: str, warehouse: Path) -> dict[str, str]:
    """Spark settings of a local session over Delta, in UTC, with nothing listening outside loopback."""
    return {
        "spark.master": "local[*]",
        "spark.app.name": "lakehouse",
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": JVM_OPTIONS,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Of what that page would show, little is kept: nobody sees it, and it fills the heap.
        "spark.ui.retainedJobs": "50",
        "spark.ui.retainedStages": "50",
        "spark.ui.retainedTasks": "500",
        "spark.sql.ui.retainedExecutions": "10",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    }


def connect_config(port: int) -> dict[str, str]:
    """Settings that make the same JVM serve Spark Connect on a loopback port."""
    return {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }


def local_session(config: dict[str, str]) -> SparkSession:
    """A Spark session inside this process's own JVM, quiet, whatever other Spark the caller's shell points at."""
    for name in [name for name in os.environ if name.startswith("SPARK_") and name not in _OURS]:
        del os.environ[name]
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in config.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def require_remote(url: str, seconds: float) -> None:
    """Return when a Spark Connect server (`sc://host:port`) takes connections; LakehouseError when none does in time.

    Without this the client would try again for ten minutes, in silence.
    """
    place = urlsplit(url)
    waiting = Retrying(retry=retry_if_exception_type(OSError), wait=wait_fixed(1), stop=stop_after_delay(seconds))
    try:
        waiting(_touch, place.hostname or "", place.port or DEFAULT_CONNECT_PORT)
    except RetryError:
        raise LakehouseError(
            f"Spark does not answer at {shown(url)}",
            where="engine",
            next_step="lakehouse doctor; its log is in the stack's home",
        ) from None


def _touch(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=2):
        pass
