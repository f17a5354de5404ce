"""Settings and secrets become addresses; what the stack starts itself is never taken for somebody else's."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from psycopg2.extensions import parse_dsn

from lakehouse_assets.engine.session import local_session
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.connections import CONNECT, KAFKA, POSTGRES, SPARK, connections, embedded_services
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


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("LAKEHOUSE_SOURCE_DSN", "postgresql://u:{}@db.example/erp"),
        ("LAKEHOUSE_REPLICATION_DSN", "postgresql://u:{}@db.example/erp"),
        ("LAKEHOUSE_KAFKA_BOOTSTRAP", "kafka.example:9092,u:{}@kafka.example:9092"),
        ("LAKEHOUSE_CONNECT_URL", "http://u:{}@connect.example:8083"),
        ("LAKEHOUSE_SPARK_REMOTE", "sc://u:{}@spark.example:443"),
    ],
)
@pytest.mark.parametrize(
    "password", ["[secret]piece", "[secretpiece", "secretpiece]", "secret/piece", "secret#piece", "secret\u2100piece"]
)
def test_an_address_that_cannot_be_read_names_its_setting_and_repeats_nothing(
    tmp_path: Path, setting: str, address: str, password: str
) -> None:
    settings = _settings(tmp_path, **_EXTERNAL | {setting: address.format(password)})
    with pytest.raises(ConfigurationError) as caught:
        connections(settings)
    assert f"{setting}: " in str(caught.value)
    assert setting in caught.value.next_step
    told = "".join(traceback.format_exception(caught.value))
    assert not [
        piece for piece in ("secret", "piece", ".example") if piece in told.partition("ConfigurationError: ")[2]
    ]
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_what_only_asks_which_services_are_embedded_says_it_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LAKEHOUSE_SPARK_REMOTE"):
        embedded_services(_settings(tmp_path, LAKEHOUSE_SPARK_REMOTE="sc://[secretword"))


@pytest.mark.parametrize(("host", "port"), [("[2001:db8::1]:5433", 5433), ("[2001:db8::1]", 5432), ("[::1]", 5432)])
def test_an_ipv6_host_is_read_and_written_with_its_brackets(tmp_path: Path, host: str, port: int) -> None:
    given = _settings(tmp_path, LAKEHOUSE_SOURCE_DSN=f"postgresql://app:pass@{host}/erp")
    links = connections(given)
    address = host[1:].partition("]")[0]
    assert (links.replication.host, links.replication.port) == (address, port)
    assert links.replication.place == f"[{address}]:{port}/erp"
    assert links.replication.dsn == f"postgresql://app:pass@[{address}]:{port}/erp"
    read = parse_dsn(links.checking_dsn)
    assert (read["host"], read["port"], read["dbname"]) == (address, str(port), "erp")


def test_an_own_ipv6_loopback_address_is_the_embedded_service(tmp_path: Path) -> None:
    assert KAFKA in embedded_services(_settings(tmp_path, LAKEHOUSE_KAFKA_BOOTSTRAP="[::1]:16001"))


@pytest.mark.parametrize("port", ["0", "65536", "x", "1,db2.example:2"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigurationError, match="LAKEHOUSE_SOURCE_DSN"):
        connections(_settings(tmp_path, LAKEHOUSE_SOURCE_DSN=f"postgresql://a:b@db.example:{port}/erp"))


_TLS = "sslmode=verify-full&sslrootcert=/etc/ca+1.pem&sslcert=%2Fetc%2Fclient.pem&sslkey=/etc/client%20key.pk8"


@pytest.mark.parametrize("setting", ["LAKEHOUSE_SOURCE_DSN", "LAKEHOUSE_REPLICATION_DSN"])
def test_how_the_server_is_verified_stays_in_the_address_of_every_check(tmp_path: Path, setting: str) -> None:
    dsn = f"{_EXTERNAL[setting]}?{_TLS}&connect_timeout=5&application_name=lake"
    words = {"LAKEHOUSE_SOURCE_DSN": _EXTERNAL["LAKEHOUSE_SOURCE_DSN"], setting: dsn}
    links = connections(_settings(tmp_path, **words))
    wanted = {
        "sslmode": "verify-full", "sslrootcert": "/etc/ca+1.pem", "sslcert": "/etc/client.pem",
        "sslkey": "/etc/client key.pk8",
    }  # fmt: skip
    read = parse_dsn(links.checking_dsn)
    assert {name: value for name, value in read.items() if name.startswith("ssl")} == wanted
    assert read.keys() - wanted.keys() == {"user", "password", "host", "port", "dbname"}


def test_a_dsn_that_says_nothing_of_tls_is_written_as_it_was(tmp_path: Path) -> None:
    links = connections(_settings(tmp_path, **_EXTERNAL))
    assert links.replication.dsn == _EXTERNAL["LAKEHOUSE_REPLICATION_DSN"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("options=-csearch_path%3Dsecretword", "options"),
        ("sslmode=require&target_session_attrs=secretword", "target_session_attrs"),
        ("sslrootcert=/a&sslpassword=secretword", "sslpassword"),
        ("password=secretword", "password"),
        ("ssl=true", "ssl"),
        ("sslmode=secretword", "sslmode"),
        ("sslmode=", "sslmode"),
        ("sslmode", "sslmode"),
        ("password=a&Secretword9=b", "password"),
    ],
)
@pytest.mark.parametrize("setting", ["LAKEHOUSE_SOURCE_DSN", "LAKEHOUSE_REPLICATION_DSN"])
def test_a_parameter_that_the_connector_cannot_be_given_is_named_without_its_value(
    tmp_path: Path, setting: str, query: str, named: str
) -> None:
    words = {"LAKEHOUSE_SOURCE_DSN": _EXTERNAL["LAKEHOUSE_SOURCE_DSN"], setting: f"{_EXTERNAL[setting]}?{query}"}
    with pytest.raises(ConfigurationError) as caught:
        connections(_settings(tmp_path, **words))
    assert f"{setting}: " in str(caught.value)
    assert named in str(caught.value)
    assert "secretword" not in str(caught.value).lower()


def test_the_sources_own_parameters_are_the_applications_when_the_connector_has_a_dsn(tmp_path: Path) -> None:
    source = _EXTERNAL["LAKEHOUSE_SOURCE_DSN"] + "?options=-cwork_mem%3D1MB"
    links = connections(_settings(tmp_path, **_EXTERNAL | {"LAKEHOUSE_SOURCE_DSN": source}))
    assert links.source_dsn == source


def test_a_source_in_libpqs_own_form_is_libpqs_to_read(tmp_path: Path) -> None:
    source = "host=db.example user=app password=a:[b dbname=erp"
    links = connections(_settings(tmp_path, **_EXTERNAL | {"LAKEHOUSE_SOURCE_DSN": source}))
    assert (links.source_dsn, links.is_embedded(POSTGRES)) == (source, False)


def test_the_words_of_env_keep_every_address_whole(tmp_path: Path) -> None:
    words = _EXTERNAL | {
        "LAKEHOUSE_SOURCE_DSN": "postgresql://app:pass@db.example/erp?sslmode=require",
        "LAKEHOUSE_CONNECT_URL": "http://user:secretword@connect.example:8083",
        "LAKEHOUSE_SPARK_REMOTE": "sc://spark.example:443/;token=secretword",
    }
    links = connections(_settings(tmp_path, **words))
    told = links.environment()
    assert {name: told[name] for name in words if name in told} == {name: words[name] for name in words if name in told}
    assert "secretword" not in repr(links)


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


def test_a_word_that_starts_its_own_spark_is_not_led_to_another_by_the_callers_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Builder:
        """Of a session that is never made."""

        def config(self, *_: str) -> Builder:
            return self

        def getOrCreate(self) -> Any:
            seen.update(os.environ)
            return MagicMock()

    seen: dict[str, str] = {}
    monkeypatch.setattr("pyspark.sql.SparkSession.builder", Builder())
    for name in ("SPARK_HOME", "SPARK_REMOTE", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "LAKEHOUSE_SPARK_REMOTE"):
        monkeypatch.setenv(name, "127.0.0.1")
    local_session({"spark.master": "local[1]"})
    assert {name for name in seen if "SPARK_" in name} == {"SPARK_LOCAL_IP", "LAKEHOUSE_SPARK_REMOTE"}


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
