"""The three Dagster processes of the stack and the instance they share; nothing here imports Dagster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.launch import launched
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.service import Service

CODE_SERVER, DAEMON, WEBSERVER = "dagster-code-server", "dagster-daemon", "dagster-webserver"
DEFINITIONS, SERVER = "lakehouse_assets.definitions", "lakehouse_assets.defs.server"
LOCATION = "lakehouse_assets"
_MAKE_SECONDS = 120

_INSTANCE = """# Written by `lakehouse up`; changes here are lost.
# Runs, events and schedules are SQLite files beside this one.
telemetry:
  enabled: false
# No invitation to a newsletter over the page.
nux:
  enabled: false
# A run is started at once: the sensor never asks for two, so a queue would only add its polling time.
run_coordinator:
  module: dagster.core.run_coordinator
  class: DefaultRunCoordinator
# A run whose process died is found and marked, and started once more; a check that failed is not.
run_monitoring:
  enabled: true
  start_timeout_seconds: 120
run_retries:
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false
freshness:
  enabled: true
# One sensor: threads would only cost memory.
sensors:
  use_threads: false
retention:
  sensor:
    purge_after_days:
      skipped: 1
      success: 7
      failure: 30
      started: 1
  schedule:
    purge_after_days:
      skipped: 1
      success: 7
      failure: 30
      started: 1
  auto_materialize:
    purge_after_days:
      skipped: 1
      success: 7
      failure: 30
      started: 1
"""


def prepare(settings: Settings, environment: Mapping[str, str]) -> None:
    """Write the instance's configuration and the workspace that points at the code server; make the instance once."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(_INSTANCE, encoding="utf-8")
    workspace_file(settings).write_text(workspace(settings), encoding="utf-8")
    made = home / ".made"
    if not made.exists():
        _make_instance(home, environment)
        made.touch()


def workspace_file(settings: Settings) -> Path:
    """The workspace of the running stack."""
    return settings.dagster_home / "workspace.yaml"


def workspace(settings: Settings) -> str:
    """The text of workspace.yaml: one code location, served by the stack's code server."""
    return f"""# Written by `lakehouse up`; changes here are lost.
load_from:
  - grpc_server:
      host: {LOOPBACK}
      port: {Port.CODE_SERVER.of(settings.port_base)}
      location_name: {LOCATION}
"""


def services(settings: Settings) -> tuple[Service, ...]:
    """Code server, daemon and webserver.

    The code server is `dagster api grpc` with runs that start sooner: `code-server start` keeps a second Python process
    beside it only to reload code.
    """
    code, web = (port.of(settings.port_base) for port in (Port.CODE_SERVER, Port.WEBSERVER))
    python, workspace_option = sys.executable, ("-w", str(workspace_file(settings)))
    grpc = (python, "-m", SERVER, "-m", DEFINITIONS, "-h", LOOPBACK, "-p", str(code))
    grpc += ("--location-name", LOCATION, "--use-python-environment-entry-point", "--log-level", "warning")
    daemon = (python, "-m", "dagster._daemon", "run", *workspace_option)
    webserver = (python, "-m", "dagster_webserver", "-h", LOOPBACK, "-p", str(web), *workspace_option)
    webserver += ("--uvicorn-log-level", "warning", "--dagster-log-level", "warning")
    environment = {"DAGSTER_HOME": str(settings.dagster_home)}
    return (
        Service(CODE_SERVER, launched(*grpc), f"{LOOPBACK}:{code}", code, environment=environment, stop_seconds=15),
        Service(DAEMON, launched(*daemon), "", environment=environment, stop_seconds=15),
        Service(
            WEBSERVER, launched(*webserver), f"http://{LOOPBACK}:{web}", web, environment=environment, stop_seconds=10
        ),
    )


def _make_instance(home: Path, environment: Mapping[str, str]) -> None:
    # Three processes that find no database make it at the same time, and each spoils the others' (seen: two heads in
    # alembic's table). So one process makes it first.
    command = [sys.executable, "-c", "import dagster; dagster.DagsterInstance.get().dispose()"]
    try:
        done = subprocess.run(
            command,
            env={**environment, "DAGSTER_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MAKE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LakehouseError(f"the instance was not made within {_MAKE_SECONDS} s", where=str(home)) from None
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise LakehouseError(f"the instance cannot be made: {reason[0]}", where=str(home), next_step="lakehouse up")
