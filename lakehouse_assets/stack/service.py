"""What the supervisor needs to know of one process of the stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOME_MARK = "CONDOMINIUM_STACK"  # in the environment of every process of a stack: the absolute home
SERVICE_MARK = "CONDOMINIUM_SERVICE"  # the service a process belongs to; its children inherit it


@dataclass(frozen=True)
class Service:
    """One process: its command runs in the foreground and is the service itself, no shell around it."""

    name: str
    command: tuple[str, ...]
    address: str  # as people see it; empty when it listens nowhere
    port: int | None = None
    directory: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20


@dataclass(frozen=True)
class ServiceState:
    """One line of `status`: state is up, starting, failing, down or external; pid is the service's own process."""

    name: str
    state: str
    pid: int | None
    address: str
