"""Which services a stack consists of, and what has to be on disk before they start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lakehouse_assets.addresses import shown
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connect, dagster, dashboard, engine, kafka, postgres, secrets
from lakehouse_assets.stack.connections import (
    CONNECT,
    KAFKA,
    POSTGRES,
    SPARK,
    Connections,
    embedded_services,
    external_replication,
)
from lakehouse_assets.stack.ports import Port
from lakehouse_assets.stack.service import Service

CORE = (postgres.NAME, kafka.NAME, connect.NAME)
ALL = (*CORE, engine.NAME, dagster.CODE_SERVER, dagster.DAEMON, dagster.WEBSERVER, dashboard.NAME)
# What holds the catalog: the engine reads it again when it is told to; Dagster's processes only when they start.
REREADING, STARTED_AGAIN = (engine.NAME,), (dagster.CODE_SERVER, dagster.DAEMON, dagster.WEBSERVER)


def services(settings: Settings, java: Path, only: Iterable[str] = ALL) -> tuple[Service, ...]:
    """The services this stack starts itself, in the order people think of them; `only` picks some."""
    embedded = embedded_services(settings)
    own = [
        *([postgres.service(settings)] if POSTGRES in embedded else []),
        *([kafka.service(settings, java)] if KAFKA in embedded else []),
        *([connect.service(settings, java)] if CONNECT in embedded else []),
        *([engine.service(settings)] if SPARK in embedded else []),
        *dagster.services(settings),
        dashboard.service(settings),
    ]
    return tuple(service for service in own if service.name in only)


def listeners(settings: Settings, chosen: Iterable[Service]) -> list[tuple[str, int]]:
    """Every (service, port) the chosen services will listen on."""
    ports = [(service.name, service.port) for service in chosen if service.port is not None]
    if any(name == kafka.NAME for name, _ in ports):
        ports.append(("kafka controller", Port.KAFKA_CONTROLLER.of(settings.port_base)))
    return ports


def ensure_secrets(settings: Settings) -> dict[str, str]:
    """The passwords of the stack, made when they are not there yet."""
    if POSTGRES in embedded_services(settings):
        return secrets.ensure_secrets(settings.home)
    password = external_replication(settings).password
    return secrets.ensure_secrets(settings.home, {secrets.EXTERNAL_REPLICATION: password})


def prepare(
    settings: Settings,
    catalog: Catalog,
    links: Connections,
    java: Path,
    chosen: Iterable[Service],
    environment: Mapping[str, str],
) -> None:
    """Write every configuration; make the database cluster, Kafka's storage and Dagster's instance side by side."""
    names = {service.name for service in chosen}
    with ThreadPoolExecutor(max_workers=3) as pool:
        slow = []
        if postgres.NAME in names:
            password = secrets.read_secrets(settings.home)[secrets.ADMIN]
            slow.append(pool.submit(postgres.prepare_cluster, settings, password))
        if kafka.NAME in names:
            slow.append(pool.submit(kafka.prepare, settings, java))
        if dagster.DAEMON in names:
            slow.append(pool.submit(dagster.prepare, settings, environment))
        if connect.NAME in names:
            connect.prepare(settings, catalog, links)
        for task in slow:
            task.result()


@dataclass(frozen=True)
class Fingerprint:
    """Digests of what the running services were started with; `catalog`: with the business tables over it."""

    settings: str
    catalog: str


def fingerprint(
    settings: Settings, catalog: Catalog, links: Connections, words: dict[str, str], conf: str
) -> Fingerprint:
    """What services started now would be started with: when it differs, those that read it have to read it anew."""
    texts = (
        json.dumps(words, sort_keys=True),
        conf,
        postgres.configuration(settings),
        kafka.configuration(settings),
        connect.configuration(settings, catalog, links),
    )
    business = [(file.name, file.read_bytes()) for file in sorted(settings.refined_folder.glob("*.sql"))]
    read = repr((catalog, business))
    return Fingerprint(*(sha256(text.encode()).hexdigest() for text in ("\0".join(texts), read)))


def external_states(settings: Settings, links: Connections) -> list[tuple[str, str]]:
    """(name, address for people, without password or token) of the services that a setting points elsewhere."""
    addresses = {
        postgres.NAME: (POSTGRES, links.replication.place),
        kafka.NAME: (KAFKA, shown(links.kafka_bootstrap)),
        connect.NAME: (CONNECT, shown(links.connect_url)),
        engine.NAME: (SPARK, shown(links.spark_remote)),
    }
    return [(name, address) for name, (key, address) in addresses.items() if not links.is_embedded(key)]
