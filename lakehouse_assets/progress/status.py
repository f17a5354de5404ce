"""The whole stack at a glance, and the words for a stage that lags."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import StreamState
from lakehouse_assets.engine import brake
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.connect import connector_status
from lakehouse_assets.progress.lag import TableLag, table_lags
from lakehouse_assets.progress.sensor import SensorState, sensor_state
from lakehouse_assets.progress.stream import stream_state
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import doctor
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.connector import connector_name
from lakehouse_assets.stack.service import ServiceState
from lakehouse_assets.stack.up import service_states


@dataclass(frozen=True)
class Status:
    """What `lakehouse status --json` prints."""

    services: list[ServiceState]
    tables: list[TableLag]
    sensor: SensorState
    stream: StreamState


@dataclass(frozen=True)
class Seen:
    """The whole stack as its page shows it, and the address of Dagster's."""

    status: Status
    webserver_url: str


def status(settings: Settings, catalog: Catalog, links: Connections) -> Status:
    """Look at everything; a part that does not answer is shown as such and hides no other."""
    found = service_states(settings)
    kafka_up = any(s.name == "kafka" and s.state in ("up", "external") for s in found)
    return Status(
        found,
        _lags(settings, catalog, links, kafka_up),
        sensor_state(links.webserver_url),
        stream_state(settings, catalog, links),
    )


def look(settings: Settings, catalog: Catalog) -> Seen:
    """`status` of the stack that the settings name."""
    links = connections(settings)
    return Seen(status(settings, catalog, links), links.webserver_url)


def services(settings: Settings) -> list[ServiceState]:
    """The services alone, at the cost of one question to the supervisor."""
    return service_states(settings)


def _lags(settings: Settings, catalog: Catalog, links: Connections, kafka_up: bool) -> list[TableLag]:
    paths = LakePaths(settings.lake)
    if kafka_up:
        try:
            return table_lags(catalog, paths, settings.checkpoint, links.kafka_bootstrap)
        except LakehouseError:
            pass  # Kafka is starting or hung: what the lake tells is still told
    return table_lags(catalog, paths, settings.checkpoint, None)


def diagnose(settings: Settings, catalog: Catalog, links: Connections) -> list[doctor.Finding]:
    """The stack's findings and the sensor's."""
    sensor = sensor_state(links.webserver_url)
    ok = sensor.state == "running" and not sensor.last_tick.startswith("failed")
    fix = "lakehouse up" if sensor.state == "unknown" else f"start it on {links.webserver_url}/automation"
    return [
        *doctor.diagnose(settings, catalog),
        doctor.Finding("sensor", ok, f"arrivals is {sensor.state}; {sensor.last_tick}", "" if ok else fix),
    ]


def explain_stage(stage: str, settings: Settings, catalog: Catalog, links: Connections) -> str:
    """Why a stage of `sync` may lag: the state of the part that does its work."""
    if stage != "refined" and (halt := continuity.read_halt(LakePaths(settings.lake))):
        return f"the stream is halted: {halt.text}; lakehouse recover brings it back"
    if stage == "kafka":
        try:
            found = connector_status(links.connect_url, connector_name(catalog))
        except LakehouseError as error:
            return error.problem
        return f"the connector is {found.state}" + (f": {found.cause}" if found.cause else "")
    if stage == "raw":
        engine = next((s for s in service_states(settings) if s.name == "engine"), None)
        return f"the engine is {engine.state if engine else 'unknown'}; {settings.home / 'logs' / 'engine.log'} shows its batches"
    if braked := _braked(settings, catalog):
        return braked
    sensor = sensor_state(links.webserver_url)
    return f"the sensor is {sensor.state}: {sensor.last_tick}; {links.webserver_url}/runs shows the runs"


def _braked(settings: Settings, catalog: Catalog) -> str:
    """The tables that wait for a person, and what each waits with."""
    waiting = brake.waiting(LakePaths(settings.lake), catalog.names)
    return "; ".join(f"{found.table} is braked: {found.words}; {found.next_step}" for found in waiting)
