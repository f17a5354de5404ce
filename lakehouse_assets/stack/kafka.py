"""The embedded Kafka: one KRaft node that is broker and controller, on loopback, with every replication factor 1."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import jvm
from lakehouse_assets.stack.ports import LOOPBACK, Port
from lakehouse_assets.stack.service import Service

NAME = "kafka"
_HEAP_MB = 384
_FORMAT_SECONDS = 120


def prepare(settings: Settings, java: Path) -> None:
    """Write the configuration and format the storage if it has never been; LakehouseError when that fails."""
    folder = _folder(settings)
    jvm.write_log_configuration(folder)
    jvm.write_properties(folder / "server.properties", configuration(settings))
    if not (folder / "data" / "meta.properties").exists():
        _format(settings, java)


def service(settings: Settings, java: Path) -> Service:
    """How the supervisor runs it."""
    folder = _folder(settings)
    port = Port.KAFKA.of(settings.port_base)
    command = jvm.command(settings, java, folder, _HEAP_MB, "kafka.Kafka", str(folder / "server.properties"))
    return Service(NAME, command, f"{LOOPBACK}:{port}", port, directory=folder, stop_seconds=30)


def configuration(settings: Settings) -> str:
    """The text of server.properties."""
    broker, controller = (port.of(settings.port_base) for port in (Port.KAFKA, Port.KAFKA_CONTROLLER))
    return f"""# Written by `lakehouse up`; changes here are lost.
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={LOOPBACK}:{controller}
listeners=PLAINTEXT://{LOOPBACK}:{broker},CONTROLLER://{LOOPBACK}:{controller}
advertised.listeners=PLAINTEXT://{LOOPBACK}:{broker},CONTROLLER://{LOOPBACK}:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={_folder(settings) / "data"}
# A misspelt topic is an error, not a new topic with settings nobody chose.
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=134217728
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


def _folder(settings: Settings) -> Path:
    return settings.home / NAME


def _format(settings: Settings, java: Path) -> None:
    folder = _folder(settings)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    arguments = ("format", "--ignore-formatted", "--standalone", "-t", cluster, "-c", str(folder / "server.properties"))
    command = jvm.command(settings, java, folder, 128, "kafka.tools.StorageTool", *arguments)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LakehouseError(f"the storage cannot be formatted: {error}", where=NAME) from None
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).strip().splitlines()[-2:])
        raise LakehouseError(
            f"the storage cannot be formatted: {reason}", where=str(folder), next_step="lakehouse clean"
        )
