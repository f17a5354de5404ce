"""Keeps the processes of a stack running: a supervisord of its own, its configuration, and the questions we ask it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack.service import HOME_MARK, SERVICE_MARK, Service

_SOCKET_PATH_LIMIT = 100  # the kernel allows 108 bytes, supervisord adds a suffix while it starts
_START_SECONDS = 20


def run_folder(home: Path) -> Path:
    """Where the supervisor's configuration, pid file and socket are."""
    return home / "run"


def configuration_file(home: Path) -> Path:
    """The supervisor's configuration."""
    return run_folder(home) / "supervisord.conf"


def log_file(home: Path, service: str) -> Path:
    """The log of a service."""
    return home / "logs" / f"{service}.log"


def socket_path(home: Path) -> Path:
    """The supervisor's socket: in the home, or in a private folder when the home's path is too long for one."""
    inside = run_folder(home) / "supervisor.sock"
    if len(os.fsencode(inside)) <= _SOCKET_PATH_LIMIT:
        return inside
    digest = sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"lakehouse-{os.geteuid()}-{digest}" / "s"


def configuration(home: Path, services: Iterable[Service]) -> str:
    """The text of supervisord.conf."""
    socket, run = socket_path(home), run_folder(home)
    head = f"""; Written by `lakehouse up`; changes here are lost.
[unix_http_server]
file={_escaped(socket)}
chmod=0600

[supervisord]
logfile={_escaped(home / "logs" / "supervisord.log")}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={_escaped(run / "supervisord.pid")}
directory={_escaped(home)}
umask=022
identifier=lakehouse
{"user=root" if os.geteuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    # They stop in the opposite order, one after the other: what others use is stopped last.
    return head + "".join(_program(home, service, place) for place, service in enumerate(services, start=1))


def start(home: Path, services: Iterable[Service], environment: Mapping[str, str]) -> None:
    """Write the configuration and start the supervisor, which starts every service; LakehouseError when it cannot."""
    written = configuration_file(home)
    for folder in (written.parent, home / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    _make_socket_folder(home)
    written.touch(mode=0o600)
    written.chmod(0o600)
    written.write_text(configuration(home, services), encoding="utf-8")
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(written)]
    try:
        done = subprocess.run(
            command,
            env={**environment, HOME_MARK: str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LakehouseError(
            f"the supervisor does not start within {_START_SECONDS} s", where=str(log_file(home, "supervisord")),
            next_step="lakehouse up, once the machine has less to do",
        ) from None  # fmt: skip
    if done.returncode:
        words = (done.stderr + done.stdout).strip().splitlines()
        reason = next((line for line in words if line.startswith("Error")), words[-1] if words else "no reason given")
        raise LakehouseError(f"the supervisor does not start: {reason}", where=str(written))


def running(home: Path) -> bool:
    """Whether the supervisor of this home answers."""
    return (_ask(home, "getState") or {}).get("statename") == "RUNNING"


def states(home: Path) -> dict[str, tuple[str, int | None]]:
    """Every service with the supervisor's word for its state and its pid; empty when the supervisor is down."""
    answer = _ask(home, "getAllProcessInfo") or []
    return {entry["name"]: (entry["statename"], entry["pid"] or None) for entry in answer}


def stop_soon(home: Path, services: Iterable[str]) -> None:
    """Ask for the end of several services at once, without waiting."""
    for service in services:
        _ask(home, "stopProcess", service, False)


def shutdown(home: Path) -> None:
    """Ask the supervisor to stop every service and end; returns at once. Nothing when it is down."""
    _ask(home, "shutdown")


def restart(home: Path, service: str) -> None:
    """Stop a service and start it again; LakehouseError when the supervisor does not know it."""
    _ask(home, "stopProcess", service)
    if _ask(home, "startProcess", service) is None:
        raise LakehouseError("cannot be restarted", where=service, next_step="lakehouse up")


def ask_to_reread(home: Path, service: str) -> None:
    """Have a service read its configuration again (SIGUSR1); one that is down will anyway when it starts."""
    _ask(home, "signalProcess", service, "USR1")


def forget(home: Path) -> None:
    """Remove the socket, and its folder when that is not in the home."""
    socket = socket_path(home)
    socket.unlink(missing_ok=True)
    if socket.parent != run_folder(home) and socket.parent.exists():
        socket.parent.rmdir()


def _ask(home: Path, method: str, *arguments: Any) -> Any:
    transport = SupervisorTransport(None, None, serverurl=f"unix://{socket_path(home)}")
    proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    try:
        return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, xmlrpc.client.Error):
        return None
    finally:
        transport.close()


def _program(home: Path, service: Service, place: int) -> str:
    environment = {SERVICE_MARK: service.name, **service.environment}
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in environment.items())
    return f"""
[program:{service.name}]
command={_escaped(shlex.join(service.command))}
directory={_escaped(service.directory or home)}
environment={pairs}
{f"user={service.user}" if service.user else ""}
priority={place}
autostart=true
autorestart=true
startsecs=1
startretries=1000000
stopsignal={service.stop_signal}
stopwaitsecs={service.stop_seconds}
stopasgroup={"false" if service.stop_signal == "INT" else "true"}
killasgroup=true
redirect_stderr=true
stdout_logfile={_escaped(log_file(home, service.name))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def _make_socket_folder(home: Path) -> None:
    folder = socket_path(home).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder != run_folder(home) and folder.stat().st_uid != os.geteuid():
        raise LakehouseError("belongs to another user", where=str(folder), next_step="set a shorter LAKEHOUSE_HOME")


def _escaped(text: object) -> str:
    return str(text).replace("%", "%%")


def _quoted(text: str) -> str:
    return _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
