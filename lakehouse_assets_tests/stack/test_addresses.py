"""What a person typed as an address reaches the connector whole, and no screen with its password."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.cli.app import cli
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack import up
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.connector import connector_config
from lakehouse_assets_tests.real_stack import CATALOG

_DSN = "postgresql://reader:secretword@db.example/erp"


def _properties(home: Path, query: str) -> dict[str, str]:
    """What the connector is told of TLS."""
    settings = load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_SOURCE_DSN": _DSN + query})
    config = connector_config(load_catalog(CATALOG), settings, connections(settings))
    return {name: value for name, value in config.items() if name.startswith("database.ssl")}


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
def test_every_mode_of_tls_reaches_the_connector(tmp_path: Path, mode: str) -> None:
    assert _properties(tmp_path, f"?sslmode={mode}") == {"database.sslmode": mode}


def test_the_files_of_tls_reach_the_connector(tmp_path: Path) -> None:
    query = "?sslmode=verify-full&sslrootcert=/etc/ca.pem&sslcert=/etc/client.pem&sslkey=%2Fetc%2Fclient.pk8"
    assert _properties(tmp_path, query) == {
        "database.sslmode": "verify-full",
        "database.sslrootcert": "/etc/ca.pem",
        "database.sslcert": "/etc/client.pem",
        "database.sslkey": "/etc/client.pk8",
    }


def test_the_connector_verifies_no_less_than_libpq(tmp_path: Path) -> None:
    found = _properties(tmp_path, "?sslmode=require&sslrootcert=/etc/ca.pem")
    assert found == {"database.sslmode": "verify-ca", "database.sslrootcert": "/etc/ca.pem"}


def test_a_dsn_without_parameters_leaves_the_connector_its_defaults(tmp_path: Path) -> None:
    assert _properties(tmp_path, "") == {}


def _said(home: Path, word: str, **words: str) -> tuple[int, str]:
    environment = {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_CATALOG": str(CATALOG), **words}
    done = CliRunner().invoke(cli, [word], env=environment)
    return done.exit_code, done.output + done.stderr


@pytest.mark.parametrize("word", ["env", "status", "doctor", "verify"])
def test_a_dsn_that_cannot_be_read_is_told_without_a_trace(tmp_path: Path, word: str) -> None:
    code, said = _said(tmp_path, word, LAKEHOUSE_SOURCE_DSN="postgresql://u:[secret]word@db.example/erp")
    assert code == 2, said
    assert "LAKEHOUSE_SOURCE_DSN: cannot be read" in said
    assert not [part for part in ("secret", "Traceback") if part in said]


def test_settings_that_export_would_cut_at_a_blank_are_refused_by_name(tmp_path: Path) -> None:
    """`export $(lakehouse env)` would point at another lake, in silence."""
    places = {"LAKEHOUSE_SOURCE_DSN": _DSN, "LAKEHOUSE_LAKE": str(tmp_path / "my lake")}
    code, said = _said(tmp_path / "my home", "env", **places)
    assert code == 1
    assert said.startswith("error: environment: LAKEHOUSE_LAKE and DAGSTER_HOME cannot be exported")
    assert "secretword" not in said
    code, said = _said(tmp_path / "home", "env", **places | {"LAKEHOUSE_LAKE": str(tmp_path / "lake")})
    assert (code, f"LAKEHOUSE_LAKE={tmp_path / 'lake'}" in said.splitlines()) == (0, True)


def test_up_prints_no_password_or_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "up", lambda *_: None)
    code, said = _said(
        tmp_path, "up",
        LAKEHOUSE_SOURCE_DSN=_DSN.replace("db.example", "[2001:db8::1]"),
        LAKEHOUSE_KAFKA_BOOTSTRAP="kafka.example:9092",
        LAKEHOUSE_CONNECT_URL="http://user:secretword@connect.example:8083",
        LAKEHOUSE_SPARK_REMOTE="sc://spark.example:443/;token=secretword",
    )  # fmt: skip
    assert code == 0, said
    assert "secretword" not in said
    lines = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert (lines["Postgres"], lines["Kafka"]) == ("[2001:db8::1]:5432/erp", "kafka.example:9092")
    assert (lines["Connect"], lines["Spark"]) == ("http://connect.example:8083", "sc://spark.example:443")
