"""The Debezium connector and the topics it writes to, derived from the catalog.

`SETTINGS` is the table docs/pipelines.md is written from: each setting that is not Debezium's default, with its reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import HEARTBEAT_TABLE, LAKEHOUSE_SCHEMA, SIGNAL_TABLE, topic_of
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack.connections import CONNECT, POSTGRES, Connections, Replication
from lakehouse_assets.stack.secrets import EXTERNAL_REPLICATION, REPLICATION, secrets_file

RETENTION_DAYS = 14
MASK_CHARACTERS = 8
_JSON = "org.apache.kafka.connect.json.JsonConverter"
_HEARTBEAT_QUERY = f"update {LAKEHOUSE_SCHEMA}.{HEARTBEAT_TABLE} set beat_at = clock_timestamp() where id = 1"


class Setting(NamedTuple):
    """One setting whose value does not depend on the stack, and why it has it."""

    name: str
    value: str
    reason: str


SETTINGS = (
    Setting("connector.class", "io.debezium.connector.postgresql.PostgresConnector", "Debezium for PostgreSQL."),
    Setting("tasks.max", "1", "A slot has one reader."),
    Setting("plugin.name", "pgoutput", "PostgreSQL's own plugin; nothing has to be installed at the source."),
    Setting(
        "publication.autocreate.mode",
        "disabled",
        "The publication is ours, made from the catalog; the default would publish every table.",
    ),
    Setting("publish.via.partition.root", "true", "Changes of a partition arrive as changes of its table."),
    Setting("slot.drop.on.stop", "false", "A slot that is dropped loses every change until it is made again."),
    Setting("snapshot.mode", "initial", "Existing rows first, then the changes, without a gap between them."),
    Setting("skipped.operations", "none", "The default drops truncates: the lake would keep rows the source has not."),
    Setting(
        "offset.mismatch.strategy",
        "trust_offset",
        "When slot and stored offset disagree the connector fails; the default goes on past the gap.",
    ),
    Setting(
        "heartbeat.interval.ms", "10000", "The slot moves while the tables are quiet, so that WAL does not pile up."
    ),
    Setting(
        "heartbeat.action.query",
        _HEARTBEAT_QUERY,
        "A change in a published table is what moves the slot past other databases' WAL.",
    ),
    Setting(
        "signal.data.collection",
        f"{LAKEHOUSE_SCHEMA}.{SIGNAL_TABLE}",
        "Ad-hoc snapshots are asked for here; it has to be in the publication.",
    ),
    Setting(
        "column.exclude.list",
        rf"{LAKEHOUSE_SCHEMA}\.{SIGNAL_TABLE}\.none",
        "No column has this name, but with a list ad-hoc snapshots name the columns they read: `select *` ends them at the "
        "first table with a generated column.",
    ),
    Setting("key.converter", _JSON, "Every message is one JSON text, whatever the worker's own converters are."),
    Setting(
        "key.converter.schemas.enable", "false", "The key alone, without a description of its type in every message."
    ),
    Setting("value.converter", _JSON, "As the key."),
    Setting("value.converter.schemas.enable", "false", "As the key."),
    Setting(
        "value.converter.replace.null.with.default",
        "false",
        "A NULL stays NULL; the default would send the column's default in its place.",
    ),
    Setting("tombstones.on.delete", "false", "The delete itself is the record; topics are not compacted."),
    Setting("decimal.handling.mode", "string", "Exact digits, and NaN and infinities as text; a double would round."),
    Setting("binary.handling.mode", "hex", "Bytes as the digits that the server prints, so that both can be compared."),
    Setting("interval.handling.mode", "string", "Each part of an interval; the default makes months and days seconds."),
    Setting("hstore.handling.mode", "json", "One text, whatever its keys are."),
    Setting(
        "include.unknown.datatypes",
        "true",
        "Composite types and those of extensions arrive as the server prints them; the default leaves them out.",
    ),
    Setting("time.precision.mode", "adaptive", "Every digit the column can hold."),
    Setting("errors.tolerance", "none", "A change that cannot be converted stops the task; it is never skipped."),
    Setting("poll.interval.ms", "100", "At most this long does a change wait inside the connector."),
    Setting("max.batch.size", "4096", "Larger batches when catching up."),
    Setting("max.queue.size", "16384", "Four batches; bounded, so that the heap is."),
    Setting("slot.retry.delay.ms", "2000", "A source that restarts is back in seconds."),
    Setting("slot.max.retries", "30", "The old walsender may hold the slot for a while after a kill."),
    Setting("retriable.restart.connector.wait.ms", "2000", "How soon the task starts again after a lost connection."),
    Setting(
        "errors.max.retries", "-1", "Debezium's default, written down: a source that is away for an hour is waited for."
    ),
    Setting(
        "status.update.interval.ms", "1000", "The slot's confirmed position follows within a second; `sync` reads it."
    ),
)


@dataclass(frozen=True)
class Access:
    """How Connect is told the password: a reference to the secrets file, or the text where it cannot read the file."""

    password: str
    in_clear: bool


def connector_name(catalog: Catalog) -> str:
    """The connector's name: one for each catalog."""
    return catalog.topic_prefix


def connector_config(catalog: Catalog, settings: Settings, links: Connections) -> dict[str, str]:
    """The whole configuration, as Connect holds it."""
    source = links.replication
    return {
        **{setting.name: setting.value for setting in SETTINGS},
        "decimal.handling.mode": catalog.decimals,
        "time.precision.mode": catalog.times,
        "database.hostname": source.host,
        "database.port": str(source.port),
        "database.dbname": source.database,
        "database.user": source.user,
        "database.password": access(settings, links).password,
        **_tls(source),
        "slot.name": catalog.slot,
        "publication.name": catalog.publication,
        "topic.prefix": catalog.topic_prefix,
        "table.include.list": ",".join(map(_pattern, catalog.published)),
        **_masked(catalog),
    }


def _tls(source: Replication) -> dict[str, str]:
    """How the server is verified, by files on the worker's machine; the driver's defaults where the DSN says nothing.

    `require` with a root certificate verifies the server in libpq; in the JDBC driver it would not.
    """
    given = dict(source.tls)
    if given.get("sslmode") == "require" and "sslrootcert" in given:
        given["sslmode"] = "verify-ca"
    return {f"database.{name}": value for name, value in given.items()}


def _pattern(name: str) -> str:
    """A name as the regular expression that the connector takes it for."""
    return re.sub(r"([^A-Za-z0-9_])", r"\\\1", name)


def _masked(catalog: Catalog) -> dict[str, str]:
    """The columns that leave the source as asterisks, so that not even raw holds them."""
    names = [_pattern(f"{t.source_name}.{c.name}") for t in catalog.tables for c in t.columns if c.at_source]
    return {f"column.mask.with.{MASK_CHARACTERS}.chars": ",".join(names)} if names else {}


def added_tables(before: dict[str, str] | None, catalog: Catalog) -> tuple[Table, ...]:
    """The tables of the catalog that a connector with the configuration `before` does not read yet."""
    if before is None:
        return ()
    known = before.get("table.include.list", "").replace("\\", "").split(",")
    return tuple(table for table in catalog.tables if table.source_name not in known)


def access(settings: Settings, links: Connections) -> Access:
    """The reference by which the connector finds its password.

    An external Connect cannot read this machine's secrets file: it gets what `LAKEHOUSE_REPLICATION_DSN` holds, which
    may itself be a reference of that worker (`${file:...}`), else the password in clear.
    """
    if links.is_embedded(CONNECT):
        name = REPLICATION if links.is_embedded(POSTGRES) else EXTERNAL_REPLICATION
        return Access(f"${{file:{secrets_file(settings.home)}:{name}}}", in_clear=False)
    return Access(links.replication.password, in_clear=not links.replication.by_reference)


def topics(catalog: Catalog) -> dict[str, dict[str, str]]:
    """Every topic the connector writes to, with its configuration; nothing else makes topics."""
    config = {
        "cleanup.policy": "delete",
        # The broker's clock: partitions by day never depend on what a client says the time is.
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(RETENTION_DAYS * 86_400_000),
    }
    changes = [topic_of(catalog.topic_prefix, name) for name in catalog.published]
    return dict.fromkeys((*changes, f"__debezium-heartbeat.{catalog.topic_prefix}"), config)
