"""The doctor's look at what flows: source, slot, topics, connector, definitions."""

from __future__ import annotations

from collections.abc import Iterator

from lakehouse_assets import continuity
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.stack import connector, connector_causes, dagster, health
from lakehouse_assets.stack.finding import UP, Finding, Patient, broken
from lakehouse_assets.stack.observation import wal_guard

RECOVER = "lakehouse recover"


def source(patient: Patient) -> Iterator[Finding]:
    """The source as the connector sees it, and as `sync` and `verify` do."""
    dsn = patient.links.checking_dsn
    problems = postgres_gateway.access_problems(dsn, patient.links.source_dsn, patient.catalog)
    for problem in problems:
        yield Finding("source", False, problem.text, problem.fix_sql)
    if not problems:
        yield Finding(
            "source", True, f"{postgres_gateway.place(dsn)}: settings, publication, tables, keys and rights fit"
        )


def slot(patient: Patient) -> Iterator[Finding]:
    """Whether the slot is there, whole and read, and in no danger."""
    name = patient.catalog.slot
    found = postgres_gateway.slot_state(patient.links.checking_dsn, name)
    if not found.exists:
        yield Finding(
            "slot",
            False,
            f"{name} does not exist",
            RECOVER if continuity.known_identity(LakePaths(patient.settings.lake)).slot_seen else UP,
        )
    elif found.lost:
        yield Finding("slot", False, f"{name} is lost", RECOVER)
    elif not found.active:
        yield Finding("slot", False, f"{name} is read by nobody, and WAL piles up", UP)
    else:
        guard = wal_guard(patient.links, found)
        fix = "lakehouse connector status; raise max_slot_wal_keep_size at the source to win time"
        yield Finding("slot", not guard.problem, f"{name}: {guard.problem or guard.text}", fix if guard.problem else "")


def stream(patient: Patient) -> Iterator[Finding]:
    """Whether the stream is the one the lake was made from."""
    if halt := continuity.read_halt(LakePaths(patient.settings.lake)):
        yield Finding("stream", False, f"halted since {halt.since}: {halt.text}", RECOVER)
    else:
        yield Finding("stream", True, "is the one the lake was made from")


def topics(patient: Patient) -> Iterator[Finding]:
    """Whether every topic is there."""
    wanted = connector.topics(patient.catalog)
    there = kafka_gateway.topic_states(patient.links.kafka_bootstrap, wanted)
    lacking = [name for name in wanted if name not in there]
    if lacking:
        yield Finding("topics", False, f"missing: {', '.join(lacking)}", UP)
    else:
        yield Finding("topics", True, f"all {len(wanted)} are there")


def connector_task(patient: Patient) -> Iterator[Finding]:
    """The connector with the first cause of a failure."""
    name = connector.connector_name(patient.catalog)
    status = connect_gateway.connector_status(patient.links.connect_url, name)
    if status.running:
        yield Finding("connector", True, f"{name} runs")
    elif status.state == connect_gateway.FAILED:
        yield broken(
            "connector", connector_causes.failed_connector(status, patient.catalog, patient.links.replication.user)
        )
    else:
        yield Finding("connector", False, f"{name} is {status.state}", UP)


def definitions(patient: Patient) -> Iterator[Finding]:
    """Whether Dagster has the definitions."""
    if patient.states[dagster.WEBSERVER].pid is None:
        return
    problem = health.code_location_problem(patient.links.webserver_url, dagster.LOCATION)
    if problem:
        yield Finding("definitions", False, problem, "dg check defs; lakehouse up, when the code server is down")
    else:
        yield Finding("definitions", True, f"Dagster has loaded {dagster.LOCATION}")
