"""The embedded Kafka Connect: one distributed worker that carries the Debezium connector, on loopback."""

from __future__ import annotations

from pathlib import Path

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import jvm
from lakehouse_assets.stack.connections import KAFKA, Connections
from lakehouse_assets.stack.jars import jar_paths
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.secrets import secrets_file
from lakehouse_assets.stack.service import Service

NAME = "connect"
_HEAP_MB = 448


def prepare(settings: Settings, catalog: Catalog, links: Connections) -> None:
    """Write the worker's configuration."""
    folder = _folder(settings)
    jvm.write_log_configuration(folder)
    jvm.write_properties(folder / "worker.properties", configuration(settings, catalog, links))


def service(settings: Settings, java: Path) -> Service:
    """How the supervisor runs it."""
    folder = _folder(settings)
    port = Port.CONNECT.of(settings.port_base)
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    command = jvm.command(settings, java, folder, _HEAP_MB, main, str(folder / "worker.properties"))
    return Service(NAME, command, f"http://{LOOPBACK}:{port}", port, directory=folder, stop_seconds=30)


def configuration(settings: Settings, catalog: Catalog, links: Connections) -> str:
    """The text of worker.properties."""
    port = Port.CONNECT.of(settings.port_base)
    replication = 1 if links.is_embedded(KAFKA) else -1  # -1: what the broker thinks best
    plugins = jar_paths(settings.cache, "debezium")[0].parent.parent
    internal = "\n".join(
        f"{use}.storage.topic={catalog.topic_prefix}.connect.{use}\n{use}.storage.replication.factor={replication}"
        for use in ("config", "offset", "status")
    )
    return f"""# Written by `lakehouse up`; changes here are lost.
bootstrap.servers={links.kafka_bootstrap}
group.id={catalog.topic_prefix}.connect
{internal}
offset.storage.partitions=1
status.storage.partitions=1
# The slot's confirmed_flush_lsn follows the offsets: `sync` waits for it, and a restart replays a second's changes.
offset.flush.interval.ms=1000
listeners=http://{LOOPBACK}:{port}
rest.advertised.host.name={LOOPBACK}
rest.advertised.port={port}
plugin.path={plugins}
plugin.discovery=SERVICE_LOAD
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
# Passwords are read from the secrets file by name, so that none is in a topic, a log or an answer of the REST API.
config.providers=file
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
config.providers.file.param.allowed.paths={secrets_file(settings.home)}
scheduled.rebalance.max.delay.ms=0
# No topic is ever made with settings that nobody chose: `up` makes them all.
topic.creation.enable=false
# A change is acknowledged when the broker has it, and never twice out of order.
producer.acks=all
producer.enable.idempotence=true
# Uncompressed: on one machine the processor is what is short, and every client can read it.
producer.compression.type=none
producer.linger.ms=10
"""


def _folder(settings: Settings) -> Path:
    return settings.home / NAME
