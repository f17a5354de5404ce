"""The loopback ports of a stack: fixed places inside the 20 that begin at `LAKEHOUSE_PORT_BASE`."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from enum import IntEnum

import psutil

from lakehouse_assets.addresses import split
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import PORTS_PER_STACK

LOOPBACK = "127.0.0.1"
_LOOPBACK_NAMES = (LOOPBACK, "localhost", "::1")


class Port(IntEnum):
    """The place of each listener after the base."""

    POSTGRES = 0
    KAFKA = 1
    KAFKA_CONTROLLER = 2
    CONNECT = 3
    SPARK_CONNECT = 4
    CODE_SERVER = 5
    WEBSERVER = 6
    DASHBOARD = 7

    def of(self, port_base: int) -> int:
        """The port number in the stack that begins at `port_base`."""
        return port_base + self.value


def is_own(address: str, port_base: int) -> bool:
    """Whether `address` (a URL, a DSN or host:port) is a loopback port of this very stack.

    People do `export $(lakehouse env)`: what comes back that way is the embedded service, not an external one.
    """
    parts = split(address.split(",")[0])
    if parts is None or parts.port is None:
        return False
    return parts.hostname in _LOOPBACK_NAMES and 0 <= parts.port - port_base < PORTS_PER_STACK


def listening(port: int, timeout: float = 1.0) -> bool:
    """Whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout):
            return True
    except OSError:
        return False


def require_free(ports: Iterable[tuple[str, int]]) -> None:
    """LakehouseError naming every (service, port) that is taken, who has it, and the setting that moves the stack."""
    taken = [f"port {port} ({service}) is in use by {holder(port)}" for service, port in ports if not _free(port)]
    if taken:
        raise LakehouseError(
            "; ".join(taken),
            where="ports",
            next_step=f"end that process, or set LAKEHOUSE_PORT_BASE to the first of {PORTS_PER_STACK} free ports",
        )


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of an ended stack that lingers in TIME_WAIT holds no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """The process that listens on `port`, as `name (pid N)`, or why it cannot be said."""
    try:
        connections = psutil.net_connections(kind="inet")
    except psutil.AccessDenied:
        return "a process this user may not see"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return _process_name(connection.pid)
    return "a process that cannot be named"


def _process_name(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.NoSuchProcess:
        return f"a process that just ended (pid {pid})"
