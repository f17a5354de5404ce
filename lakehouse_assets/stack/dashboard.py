"""The page of the platform as a process of the stack."""

from __future__ import annotations

import sys

from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.launch import launched
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.service import Service

NAME = "dashboard"
MODULE = "lakehouse_assets.dashboard"
HEALTH = "/_stcore/script-health-check"  # runs the first page once, so it answers when a visit would


def service(settings: Settings) -> Service:
    """How the supervisor runs it."""
    port = Port.DASHBOARD.of(settings.port_base)
    command = launched(sys.executable, "-m", MODULE, "--port", str(port))
    return Service(NAME, command, f"http://{LOOPBACK}:{port}", port, stop_seconds=10)
