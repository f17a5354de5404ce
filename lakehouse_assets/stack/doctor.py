"""Looks at every part of a stack and says what is wrong, where, and what fixes it; no broken part stops it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import doctor_pipeline, health, plan, ports, preconditions
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.finding import UP, Finding, Patient, broken
from lakehouse_assets.stack.jars import check_jars, read_lock
from lakehouse_assets.stack.java import java_version, require_java
from lakehouse_assets.stack.service import ServiceState
from lakehouse_assets.stack.up import service_states
from lakehouse_assets.stack.versions import requirements, version_problems


def diagnose(settings: Settings, catalog: Catalog, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Every finding, in the order in which one would mend them. Raises nothing for a broken part."""
    try:
        links = connections(settings)
        states = {state.name: state for state in service_states(settings)}
    except LakehouseError as error:
        return [broken("settings", error)]
    patient = Patient(settings, catalog, links, states, environ)
    return [finding for area, look in _LOOKS for finding in _looked(area, look, patient)]


def _looked(area: str, look: Callable[[Patient], Iterator[Finding]], patient: Patient) -> Iterator[Finding]:
    try:
        yield from look(patient)
    except LakehouseError as error:
        yield broken(area, error)


def _java(patient: Patient) -> Iterator[Finding]:
    java = require_java(patient.environ)
    yield Finding("java", True, f"{java} is version {java_version(java)}")


def _disk(patient: Patient) -> Iterator[Finding]:
    preconditions.require_plain_paths(patient.settings)
    preconditions.require_disk(patient.settings.home)
    free = preconditions.free_bytes(patient.settings.home)
    yield Finding("disk", True, f"{free >> 30} GiB free at {patient.settings.home}")


def _ports(patient: Patient) -> Iterator[Finding]:
    base, running = patient.settings.port_base, any(state.pid for state in patient.states.values())
    if not running:
        own = plan.services(patient.settings, require_java(patient.environ))
        ports.require_free(plan.listeners(patient.settings, own))
    what = "taken by this stack" if running else "free"
    yield Finding("ports", True, f"{base} to {base + len(ports.Port) - 1} are {what}")


def _jars(patient: Patient) -> Iterator[Finding]:
    problems = check_jars(patient.settings.cache)
    missing = [problem for problem in problems if problem.endswith(": missing")]
    if len(missing) == len(problems) and missing:
        yield Finding("jars", False, f"{len(missing)} of {len(read_lock())} are not fetched yet", UP)
        return
    for problem in problems:
        yield Finding("jars", False, problem, f"delete this file, then: {UP}")
    if not problems:
        yield Finding("jars", True, f"all {len(read_lock())} are there and as locked")


def _versions(patient: Patient) -> Iterator[Finding]:
    problems = version_problems()
    for problem in problems:
        yield Finding("versions", False, problem, "make setup")
    if not problems:
        pinned = [f"{r.name} {r.specifier}".replace("==", "") for r in requirements() if "==" in str(r.specifier)]
        jars = {jar.module: jar.revision for jar in read_lock()}
        tried = [f"kafka {jars['kafka_2.13']}", f"debezium {jars['debezium-connector-postgres']}"]
        yield Finding("versions", True, ", ".join([*pinned, *tried]))


def _services(patient: Patient) -> Iterator[Finding]:
    for state in patient.states.values():
        if state.state == "external":
            yield Finding(state.name, True, f"external at {state.address}")
        elif state.state != "up":
            log = patient.settings.home / "logs" / f"{state.name}.log"
            tail = health.log_tail(patient.settings.home, log, lines=1).strip() if state.state == "failing" else ""
            yield Finding(state.name, False, f"is {state.state}{f': {tail}' if tail else ''}", _fix_of(state, str(log)))
        elif (port := _port(state.address)) and not ports.listening(port):
            yield Finding(state.name, False, f"runs (pid {state.pid}) and does not listen on {state.address} yet", UP)
        else:
            yield Finding(state.name, True, f"up, pid {state.pid}" + (f", {state.address}" if state.address else ""))


def _fix_of(state: ServiceState, log: str) -> str:
    return UP if state.state == "down" else f"read {log}"


def _port(address: str) -> int | None:
    digits = address.rpartition(":")[2]
    return int(digits) if digits.isdigit() else None


_LOOKS = (
    ("java", _java),
    ("disk", _disk),
    ("ports", _ports),
    ("jars", _jars),
    ("versions", _versions),
    ("services", _services),
    ("source", doctor_pipeline.source),
    ("slot", doctor_pipeline.slot),
    ("stream", doctor_pipeline.stream),
    ("topics", doctor_pipeline.topics),
    ("connector", doctor_pipeline.connector_task),
    ("definitions", doctor_pipeline.definitions),
)
