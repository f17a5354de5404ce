"""Looks at every part of a stack and says what is wrong, where, and what fixes it; no broken part stops it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect as connect_gateway
from lakehouse_assets.gateways import kafka as kafka_gateway
from lakehouse_assets.gateways import postgres as postgres_gateway
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connector, connector_causes, dagster, health, plan, ports, preconditions
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.jars import check_jars, read_lock
from lakehouse_assets.stack.java import java_version, require_java
from lakehouse_assets.stack.service import ServiceState
from lakehouse_assets.stack.up import service_states
from lakehouse_assets.stack.versions import requirements, version_problems

_UP = "lakehouse up"


@dataclass(frozen=True)
class Finding:
    """One line of `doctor`; `fix` is the command, SQL or setting that mends what is not ok."""

    area: str
    ok: bool
    text: str
    fix: str = ""


@dataclass(frozen=True)
class _Patient:
    settings: Settings
    catalog: Catalog
    links: Connections
    states: Mapping[str, ServiceState]
    environ: Mapping[str, str]


def diagnose(settings: Settings, catalog: Catalog, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Every finding, in the order in which one would mend them. Raises nothing for a broken part."""
    try:
        links = connections(settings)
        states = {state.name: state for state in service_states(settings)}
    except LakehouseError as error:
        return [_broken("settings", error)]
    patient = _Patient(settings, catalog, links, states, environ)
    return [finding for area, look in _LOOKS for finding in _looked(area, look, patient)]


def _looked(area: str, look: Callable[[_Patient], Iterator[Finding]], patient: _Patient) -> Iterator[Finding]:
    try:
        yield from look(patient)
    except LakehouseError as error:
        yield _broken(area, error)


def _broken(area: str, error: LakehouseError) -> Finding:
    where = f"{error.where}: " if error.where else ""
    return Finding(area, False, f"{where}{error.problem}", error.next_step)


def _java(patient: _Patient) -> Iterator[Finding]:
    java = require_java(patient.environ)
    yield Finding("java", True, f"{java} is version {java_version(java)}")


def _disk(patient: _Patient) -> Iterator[Finding]:
    preconditions.require_plain_paths(patient.settings)
    preconditions.require_disk(patient.settings.home)
    free = preconditions.free_bytes(patient.settings.home)
    yield Finding("disk", True, f"{free >> 30} GiB free at {patient.settings.home}")


def _ports(patient: _Patient) -> Iterator[Finding]:
    base, running = patient.settings.port_base, any(state.pid for state in patient.states.values())
    if not running:
        own = plan.services(patient.settings, require_java(patient.environ))
        ports.require_free(plan.listeners(patient.settings, own))
    what = "taken by this stack" if running else "free"
    yield Finding("ports", True, f"{base} to {base + len(ports.Port) - 1} are {what}")


def _jars(patient: _Patient) -> Iterator[Finding]:
    problems = check_jars(patient.settings.cache)
    missing = [problem for problem in problems if problem.endswith(": missing")]
    if len(missing) == len(problems) and missing:
        yield Finding("jars", False, f"{len(missing)} of {len(read_lock())} are not fetched yet", _UP)
        return
    for problem in problems:
        yield Finding("jars", False, problem, f"delete this file, then: {_UP}")
    if not problems:
        yield Finding("jars", True, f"all {len(read_lock())} are there and as locked")


def _versions(patient: _Patient) -> Iterator[Finding]:
    problems = version_problems()
    for problem in problems:
        yield Finding("versions", False, problem, "make setup")
    if not problems:
        pinned = [f"{r.name} {r.specifier}".replace("==", "") for r in requirements() if "==" in str(r.specifier)]
        jars = {jar.module: jar.revision for jar in read_lock()}
        tried = [f"kafka {jars['kafka_2.13']}", f"debezium {jars['debezium-connector-postgres']}"]
        yield Finding("versions", True, ", ".join([*pinned, *tried]))


def _services(patient: _Patient) -> Iterator[Finding]:
    for state in patient.states.values():
        if state.state == "external":
            yield Finding(state.name, True, f"external at {state.address}")
        elif state.state != "up":
            log = patient.settings.home / "logs" / f"{state.name}.log"
            tail = health.log_tail(patient.settings.home, log, lines=1).strip() if state.state == "failing" else ""
            yield Finding(state.name, False, f"is {state.state}{f': {tail}' if tail else ''}", _fix_of(state, str(log)))
        elif (port := _port(state.address)) and not ports.listening(port):
            yield Finding(state.name, False, f"runs (pid {state.pid}) and does not listen on {state.address} yet", _UP)
        else:
            yield Finding(state.name, True, f"up, pid {state.pid}" + (f", {state.address}" if state.address else ""))


def _fix_of(state: ServiceState, log: str) -> str:
    return _UP if state.state == "down" else f"read {log}"


def _port(address: str) -> int | None:
    digits = address.rpartition(":")[2]
    return int(digits) if digits.isdigit() else None


def _source(patient: _Patient) -> Iterator[Finding]:
    dsn = patient.links.checking_dsn
    problems = postgres_gateway.source_problems(dsn, patient.catalog)
    for problem in problems:
        yield Finding("source", False, problem.text, problem.fix_sql)
    if not problems:
        yield Finding(
            "source", True, f"{postgres_gateway.place(dsn)}: settings, publication, tables, keys and rights fit"
        )


def _slot(patient: _Patient) -> Iterator[Finding]:
    name = patient.catalog.slot
    slot = postgres_gateway.slot_state(patient.links.checking_dsn, name)
    if not slot.exists:
        yield Finding(
            "slot",
            False,
            f"{name} does not exist",
            f"{_UP} (its first start makes it), else lakehouse connector resnapshot",
        )
    elif slot.lost:
        yield Finding("slot", False, f"{name} is lost", "lakehouse connector resnapshot")
    elif not slot.active:
        yield Finding("slot", False, f"{name} is read by nobody, and WAL piles up", _UP)
    else:
        kept = (slot.retained_bytes or 0) / (1 << 20)
        yield Finding("slot", True, f"{name} is read, {kept:.1f} MiB of WAL kept")


def _topics(patient: _Patient) -> Iterator[Finding]:
    wanted = connector.topics(patient.catalog)
    there = kafka_gateway.topic_states(patient.links.kafka_bootstrap, wanted)
    lacking = [name for name in wanted if name not in there]
    if lacking:
        yield Finding("topics", False, f"missing: {', '.join(lacking)}", _UP)
    else:
        yield Finding("topics", True, f"all {len(wanted)} are there")


def _connector(patient: _Patient) -> Iterator[Finding]:
    name = connector.connector_name(patient.catalog)
    status = connect_gateway.connector_status(patient.links.connect_url, name)
    if status.running:
        yield Finding("connector", True, f"{name} runs")
    elif status.state == connect_gateway.FAILED:
        yield _broken(
            "connector", connector_causes.failed_connector(status, patient.catalog, patient.links.replication.user)
        )
    else:
        yield Finding("connector", False, f"{name} is {status.state}", _UP)


def _definitions(patient: _Patient) -> Iterator[Finding]:
    if patient.states[dagster.WEBSERVER].pid is None:
        return
    problem = health.code_location_problem(patient.links.webserver_url, dagster.LOCATION)
    if problem:
        yield Finding("definitions", False, problem, "dg check defs; lakehouse up, when the code server is down")
    else:
        yield Finding("definitions", True, f"Dagster has loaded {dagster.LOCATION}")


_LOOKS = (
    ("java", _java),
    ("disk", _disk),
    ("ports", _ports),
    ("jars", _jars),
    ("versions", _versions),
    ("services", _services),
    ("source", _source),
    ("slot", _slot),
    ("topics", _topics),
    ("connector", _connector),
    ("definitions", _definitions),
)
