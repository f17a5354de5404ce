"""The connector loses nothing: each setting that would is pinned, and a failure is told with its fix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.gateways.connect import FAILED, ConnectorStatus
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.connector import SETTINGS, access, connector_config, topics
from lakehouse_assets.stack.connector_apply import require_published
from lakehouse_assets.stack.connector_causes import KNOWN_CAUSES, explain, failed_connector
from lakehouse_assets_tests.real_postgres import new_source
from lakehouse_assets_tests.real_stack import CATALOG


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog(CATALOG)


def _settings(home: Path, **words: str) -> Settings:
    return load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_PORT_BASE": "16000", **words})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("skipped.operations", "none"),
        ("offset.mismatch.strategy", "trust_offset"),
        ("publication.autocreate.mode", "disabled"),
        ("errors.tolerance", "none"),
        ("snapshot.mode", "initial"),
        ("decimal.handling.mode", "string"),
        ("time.precision.mode", "adaptive"),
        ("plugin.name", "pgoutput"),
        ("slot.drop.on.stop", "false"),
        ("heartbeat.interval.ms", "10000"),
        ("slot.name", "lakehouse"),
        ("publication.name", "lakehouse"),
        ("topic.prefix", "condominio"),
        ("tasks.max", "1"),
        ("value.converter.replace.null.with.default", "false"),
    ],
)
def test_a_setting_whose_default_loses_data_is_set(tmp_path: Path, catalog: Catalog, name: str, value: str) -> None:
    settings = _settings(tmp_path)
    assert connector_config(catalog, settings, connections(settings))[name] == value


def test_a_table_gets_no_snapshot_before_its_changes_are_published(postgres_admin_dsn: str) -> None:
    source = new_source(postgres_admin_dsn)
    require_published(source.replication, source.catalog, source.catalog.tables)
    postgres.execute(source.admin, "alter publication lakehouse drop table moradores")
    with pytest.raises(LakehouseError, match="moradores, so their changes would be lost"):
        require_published(source.replication, source.catalog, source.catalog.tables)


def test_every_setting_has_a_reason() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.reason.endswith(".") for setting in SETTINGS)


def test_the_connector_reads_every_table_of_the_catalog_and_the_platforms_own(tmp_path: Path, catalog: Catalog) -> None:
    settings = _settings(tmp_path)
    listed = connector_config(catalog, settings, connections(settings))["table.include.list"]
    assert listed.replace("\\", "").split(",") == list(catalog.published)


def test_the_password_is_a_reference_and_never_the_word(tmp_path: Path, catalog: Catalog) -> None:
    passwords, settings = secrets.ensure_secrets(tmp_path), _settings(tmp_path)
    config = connector_config(catalog, settings, connections(settings))
    assert config["database.password"] == f"${{file:{tmp_path}/secrets.env:REPLICATION_PASSWORD}}"
    assert not [value for value in config.values() if value in passwords.values()]


@pytest.mark.parametrize(
    ("words", "password", "in_clear"),
    [
        ({}, "${file:HOME/secrets.env:EXTERNAL_REPLICATION_PASSWORD}", False),
        ({"LAKEHOUSE_CONNECT_URL": "http://connect.example"}, "word", True),
        (
            {
                "LAKEHOUSE_CONNECT_URL": "http://connect.example",
                "LAKEHOUSE_REPLICATION_DSN": "postgresql://a:%24%7Bfile%3A%2Frun%2Fs%3AP%7D@db.example/erp",
            },
            "${file:/run/s:P}",
            False,
        ),
    ],
)
def test_an_external_connect_gets_what_it_can_read(
    tmp_path: Path, words: dict[str, str], password: str, in_clear: bool
) -> None:
    settings = _settings(tmp_path, LAKEHOUSE_SOURCE_DSN="postgresql://a:word@db.example/erp", **words)
    found = access(settings, connections(settings))
    assert (found.password, found.in_clear) == (password.replace("HOME", str(tmp_path)), in_clear)


def test_a_column_masked_at_the_source_and_the_catalogs_encodings_reach_the_connector(
    tmp_path: Path, catalog: Catalog
) -> None:
    tables = [
        replace(t, columns=tuple(replace(c, at_source=c.name == "cpf_pagador") for c in t.columns))
        for t in catalog.tables
    ]
    settings = _settings(tmp_path)
    changed = replace(catalog, tables=tuple(tables), decimals="precise", times="connect")
    config = connector_config(changed, settings, connections(settings))
    assert config["column.mask.with.8.chars"] == r"public\.boletos\.cpf_pagador"
    assert (config["decimal.handling.mode"], config["time.precision.mode"]) == ("precise", "connect")
    usual = connector_config(catalog, settings, connections(settings))
    assert "column.mask.with.8.chars" not in usual
    assert (usual["decimal.handling.mode"], usual["time.precision.mode"]) == ("string", "adaptive")


def test_every_topic_the_connector_writes_to_is_made(catalog: Catalog) -> None:
    made = topics(catalog)
    assert {table.topic for table in catalog.tables} <= set(made)
    assert {"condominio.lakehouse.heartbeat", "condominio.lakehouse.signal"} <= set(made)
    assert "__debezium-heartbeat.condominio" in made
    assert all(int(config["retention.ms"]) >= 7 * 86_400_000 for config in made.values())
    assert {config["message.timestamp.type"] for config in made.values()} == {"LogAppendTime"}


# First causes as Debezium 3.7.0 and PostgreSQL 18 worded them.
@pytest.mark.parametrize(
    ("cause", "meaning", "fix"),
    [
        ("Postgres server wal_level property must be 'logical' but is: 'replica'", "logical decoding", "wal_level"),
        (
            "DebeziumException: The connector is trying to read change stream starting at ... , but this is no longer "
            "available on the server. Reconfigure the connector to use a snapshot mode when needed.",
            "threw away changes",
            "lakehouse recover",
        ),
        (
            'PSQLException: ERROR: can no longer access replication slot "lakehouse"',
            "threw away changes",
            "lakehouse recover",
        ),
        ('PSQLException: ERROR: replication slot "lakehouse" does not exist', "slot is gone", "lakehouse recover"),
        ('ERROR: replication slot "lakehouse" is active for PID 4711', "another process", "pg_terminate_backend"),
        ("ERROR: all replication slots are in use", "no free slot", "max_replication_slots"),
        (
            "ConnectException: Publication autocreation is disabled, please create one and restart the connector.",
            "publication",
            "create publication lakehouse for table public.condominios",
        ),
        ('PSQLException: ERROR: publication "lakehouse" does not exist', "publication", "create publication lakehouse"),
        ("PSQLException: ERROR: permission denied to start WAL sender", "REPLICATION", "alter role reader replication"),
        ("PSQLException: ERROR: permission denied for table imoveis", "right on a table", "grant select on public."),
        (
            'PSQLException: FATAL: password authentication failed for user "reader"',
            "refuses the role's password",
            "LAKEHOUSE_REPLICATION_DSN",
        ),
        (
            "PSQLException: Connection to 127.0.0.1:16000 refused. Check that the hostname and port are correct",
            "does not answer",
            "lakehouse up",
        ),
        ("RecordTooLargeException: The message is 2097152 bytes", "larger than the broker", "message.max.bytes"),
        (
            "TimeoutException: Topic condominio.public.x not present in metadata after 60000 ms.",
            "topic",
            "lakehouse up",
        ),
    ],
)
def test_a_known_cause_is_told_with_what_mends_it(catalog: Catalog, cause: str, meaning: str, fix: str) -> None:
    found = explain(cause, catalog, "reader")
    assert meaning in found[0]
    assert fix in found[1]


def test_an_unknown_cause_is_shown_as_it_is_with_the_log(catalog: Catalog) -> None:
    error = failed_connector(ConnectorStatus("condominio", FAILED, "Something new"), catalog, "reader")
    assert error.problem == "Something new"
    assert "connect.log" in error.next_step


def test_no_fix_has_a_name_left_to_fill(catalog: Catalog) -> None:
    fixes = [explain(entry.words[0].format(slot="lakehouse"), catalog, "reader")[1] for entry in KNOWN_CAUSES]
    assert not [fix for fix in fixes if "{" in fix]
