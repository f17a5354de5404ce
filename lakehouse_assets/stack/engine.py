"""The Spark engine as a process of the stack: the stream and Spark Connect in one JVM."""

from __future__ import annotations

import sys

from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.launch import launched
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.service import Service

NAME = "engine"
MODULE = "lakehouse_assets.engine"


def service(settings: Settings) -> Service:
    """How the supervisor runs it; it is healthy when Spark Connect accepts a connection."""
    port = Port.SPARK_CONNECT.of(settings.port_base)
    command = launched(sys.executable, "-m", MODULE)
    # Spark would bind to the machine's own address otherwise, and says so on every start.
    environment = {"SPARK_LOCAL_IP": LOOPBACK}
    return Service(NAME, command, f"sc://{LOOPBACK}:{port}", port, environment=environment, stop_seconds=30)
