"""Settings and secrets become addresses; what the stack starts itself is never taken for somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.connections import CONNECT, KAFKA, POSTGRES, SPARK, connections
from lakehouse_assets.stack.environment import service_environment

_EXTERNAL = {
    "LAKEHOUSE_SOURCE_DSN": "postgresql://app:app%40pass@db.example:5433/erp",
    "LAKEHOUSE_REPLICATION_DSN": "postgresql://reader:reader%40pass@db.example:5433/erp",
    "LAKEHOUSE_KAFKA_BOOTSTRAP": "kafka.example:9092",
    "LAKEHOUSE_CONNECT_URL": "http://connect.example:8083/",
    "LAKEHOUSE_SPARK_REMOTE": "sc://spark.example:15002",
}


def _settings(home: Path, **words: str) -> Settings:
    return load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_PORT_BASE": "16000", **words})


def test_without_a_setting_everything_is_embedded_on_loopback(tmp_path: Path) -> None:
    passwords = secrets.ensure_secrets(tmp_path)
    links = connections(_settings(tmp_path))
    assert links.embedded == {POSTGRES, KAFKA, CONNECT, SPARK}
    assert links.admin_dsn == f"postgresql://lakehouse_admin:{passwords[secrets.ADMIN]}@127.0.0.1:16000/postgres"
    assert links.source_dsn == f"postgresql://lakehouse_app:{passwords[secrets.APP]}@127.0.0.1:16000/condominio"
    assert links.replication.dsn.startswith("postgresql://lakehouse_replication:")
    assert (links.kafka_bootstrap, links.connect_url) == ("127.0.0.1:16001", "http://127.0.0.1:16003")
    assert (links.spark_remote, links.webserver_url) == ("sc://127.0.0.1:16004", "http://127.0.0.1:16006")
    assert links.page_url == "http://127.0.0.1:16007"
    assert links.dagster_home == tmp_path / "dagster"


def test_exporting_the_words_of_env_changes_nothing(tmp_path: Path) -> None:
    secrets.ensure_secrets(tmp_path)
    before = connections(_settings(tmp_path))
    words = {name: value for name, value in before.environment().items() if name.startswith("LAKEHOUSE_")}
    assert connections(_settings(tmp_path, **words)).embedded == before.embedded
    assert connections(_settings(tmp_path, **words)) == connections(
        _settings(tmp_path, LAKEHOUSE_LAKE=str(before.lake))
    )


def test_every_service_can_be_external(tmp_path: Path) -> None:
    links = connections(_settings(tmp_path, **_EXTERNAL))
    assert links.embedded == frozenset()
    assert links.admin_dsn is None
    assert links.source_dsn == _EXTERNAL["LAKEHOUSE_SOURCE_DSN"]
    assert (links.replication.user, links.replication.password) == ("reader", "reader@pass")
    assert (links.replication.host, links.replication.port, links.replication.database) == ("db.example", 5433, "erp")
    assert links.connect_url == "http://connect.example:8083"


def test_the_connector_reads_an_external_source_as_its_own_role_else_as_the_application(tmp_path: Path) -> None:
    words = {name: value for name, value in _EXTERNAL.items() if name != "LAKEHOUSE_REPLICATION_DSN"}
    assert connections(_settings(tmp_path, **words)).replication.user == "app"


@pytest.mark.parametrize(
    "dsn",
    ["mysql://a:b@c:1/d", "postgresql://db.example/erp", "postgresql://a:secretword@:5432/d", "postgresql://a:b@c:x/d"],
)
def test_a_dsn_that_cannot_be_read_is_refused_without_its_password(tmp_path: Path, dsn: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connections(_settings(tmp_path, LAKEHOUSE_SOURCE_DSN=dsn))
    assert "LAKEHOUSE_SOURCE_DSN" in str(caught.value)
    assert "secretword" not in str(caught.value)


def test_no_password_shows(tmp_path: Path) -> None:
    passwords = secrets.ensure_secrets(tmp_path)
    shown = repr(connections(_settings(tmp_path))) + repr(connections(_settings(tmp_path, **_EXTERNAL)))
    assert not [word for word in (*passwords.values(), "%40pass", "@pass") if word in shown]


def test_a_service_inherits_the_settings_but_no_password_of_the_stack(tmp_path: Path) -> None:
    passwords = secrets.ensure_secrets(tmp_path)
    given = connections(_settings(tmp_path)).environment() | {
        "LAKEHOUSE_TRIGGER_SECONDS": "7", "PATH": "/bin", "SPARK_REMOTE": "sc://127.0.0.1:1", "SPARK_CONNECT_MODE_ENABLED": "1",
    }  # fmt: skip
    settings = _settings(tmp_path, **{name: word for name, word in given.items() if name.startswith("LAKEHOUSE_")})
    environment = service_environment(settings, connections(settings), given)
    assert not [word for word in environment.values() if any(password in word for password in passwords.values())]
    inherited = load_settings({name: word for name, word in environment.items() if name.startswith("LAKEHOUSE_")})
    assert inherited.trigger_seconds == 7
    assert connections(inherited) == connections(settings)
    assert environment["PATH"] == "/bin"
    assert not [name for name in environment if name.startswith("SPARK_")], "an engine would attach, not serve"


def test_a_service_inherits_the_keys_that_the_environment_holds(tmp_path: Path) -> None:
    given = {"LAKEHOUSE_KEYS": f"k1={'A' * 43}="}
    settings = _settings(tmp_path, **given)
    environment = service_environment(settings, connections(settings), given)
    assert environment["LAKEHOUSE_KEYS"] == given["LAKEHOUSE_KEYS"]


def test_a_service_inherits_the_address_of_an_external_source(tmp_path: Path) -> None:
    settings = _settings(tmp_path, **_EXTERNAL)
    environment = service_environment(settings, connections(settings), {})
    assert {name: environment[name] for name in ("LAKEHOUSE_SOURCE_DSN", "LAKEHOUSE_REPLICATION_DSN")} == {
        name: _EXTERNAL[name] for name in ("LAKEHOUSE_SOURCE_DSN", "LAKEHOUSE_REPLICATION_DSN")
    }
