"""What the parts are told: loopback only, passwords only by reference, nothing that loses data."""

from __future__ import annotations

import fcntl
import locale
import os
import pwd
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack import connect, dagster, kafka, owner, plan, postgres, preconditions, secrets
from lakehouse_assets.stack.connections import connections
from lakehouse_assets.stack.jars import ensure_jars
from lakehouse_assets.stack.java import require_java
from lakehouse_assets.stack.up import clean, down
from lakehouse_assets_tests.real_stack import CATALOG
from lakehouse_assets_tests.stack.waiting import eventually


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_PORT_BASE": "16000"})


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog(CATALOG)


def test_postgres_can_be_decoded_and_bounds_what_a_slot_keeps(settings: Settings) -> None:
    text = postgres.configuration(settings)
    assert "wal_level = logical" in text
    assert f"max_slot_wal_keep_size = '{settings.max_slot_wal_gb}GB'" in text
    assert "listen_addresses = '127.0.0.1'" in text
    assert "log_statement = 'none'" in text


def test_kafka_makes_no_topic_by_itself_and_listens_on_loopback(settings: Settings) -> None:
    text = kafka.configuration(settings)
    assert "auto.create.topics.enable=false" in text
    assert "127.0.0.1:16001" in text
    assert set(re.findall(r"://([^:]+):", text)) == {"127.0.0.1"}
    assert all(line.endswith("=1") for line in text.splitlines() if "replication.factor" in line)


def test_connect_stores_offsets_each_second_and_may_read_the_secrets_file_only(
    settings: Settings, catalog: Catalog
) -> None:
    text = connect.configuration(settings, catalog, connections(settings))
    assert "offset.flush.interval.ms=1000" in text
    assert f"config.providers.file.param.allowed.paths={settings.home}/secrets.env" in text
    assert "listeners=http://127.0.0.1:16003" in text
    assert "topic.creation.enable=false" in text


def test_no_configuration_holds_a_password(settings: Settings, catalog: Catalog) -> None:
    passwords = secrets.ensure_secrets(settings.home).values()
    texts = [
        postgres.configuration(settings),
        kafka.configuration(settings),
        connect.configuration(settings, catalog, connections(settings)),
        dagster.workspace(settings),
        *(" ".join(service.command) for service in plan.services(settings, Path("java"))),
    ]
    assert not [text for text in texts for password in passwords if password in text]


def test_the_whole_stack_is_eight_services_each_on_a_port_of_its_own(settings: Settings) -> None:
    services = plan.services(settings, Path("java"))
    assert tuple(service.name for service in services) == plan.ALL
    ports = [port for _, port in plan.listeners(settings, services)]
    assert sorted(ports) == [16000, 16001, 16002, 16003, 16004, 16005, 16006, 16007]


@pytest.mark.parametrize(
    ("word", "value", "absent"),
    [
        ("LAKEHOUSE_SOURCE_DSN", "postgresql://a:b@db.example/erp", "postgres"),
        ("LAKEHOUSE_KAFKA_BOOTSTRAP", "kafka.example:9092", "kafka"),
        ("LAKEHOUSE_CONNECT_URL", "http://connect.example:8083", "connect"),
        ("LAKEHOUSE_SPARK_REMOTE", "sc://spark.example:15002", "engine"),
    ],
)
def test_an_external_service_is_not_started_and_shown_as_external(
    tmp_path: Path, word: str, value: str, absent: str
) -> None:
    settings = load_settings({"LAKEHOUSE_HOME": str(tmp_path), word: value})
    assert absent not in [service.name for service in plan.services(settings, Path("java"))]
    external = plan.external_states(settings, connections(settings))
    assert [name for name, _ in external] == [absent]


def test_a_change_of_settings_or_catalog_is_seen(settings: Settings, catalog: Catalog) -> None:
    links = connections(settings)
    before = plan.fingerprint(settings, catalog, links, {"A": "1"}, "conf")
    assert before == plan.fingerprint(settings, catalog, links, {"A": "1"}, "conf")
    assert before.settings != plan.fingerprint(settings, catalog, links, {"A": "2"}, "conf").settings
    fewer = Catalog(catalog.topic_prefix, catalog.publication, catalog.slot, catalog.tables[:2])
    other = plan.fingerprint(settings, fewer, links, {"A": "1"}, "conf")
    assert before.settings == other.settings
    assert before.catalog != other.catalog


def test_a_business_table_that_is_written_changed_or_removed_is_seen(tmp_path: Path, catalog: Catalog) -> None:
    settings = load_settings({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_REFINED": str(tmp_path)})
    seen = [plan.fingerprint(settings, catalog, connections(settings), {}, "")]
    for statement in ("SELECT 1", "SELECT 2", None):
        file = tmp_path / "um.sql"
        file.write_text(statement) if statement else file.unlink()
        seen.append(plan.fingerprint(settings, catalog, connections(settings), {}, ""))
    assert len({found.catalog for found in seen}) == 3
    assert seen[0] == seen[-1]
    assert len({found.settings for found in seen}) == 1


def test_a_folder_that_a_configuration_cannot_hold_is_refused(tmp_path: Path) -> None:
    words = {"LAKEHOUSE_HOME": str(tmp_path / "a:b"), "LAKEHOUSE_CACHE": str(tmp_path / "50%")}
    with pytest.raises(ConfigurationError) as caught:
        preconditions.require_plain_paths(load_settings(words))
    assert len(caught.value.problems) == 2


_ACCENTED = "Área de Trabalho Ω 😀"


def test_letters_beyond_ascii_are_refused_only_where_java_would_not_find_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {f"LAKEHOUSE_{name}": str(tmp_path / _ACCENTED / name) for name in ("HOME", "LAKE", "CACHE")}
    monkeypatch.setattr(locale, "getencoding", lambda: "UTF-8")
    preconditions.require_plain_paths(load_settings(words))
    monkeypatch.setattr(locale, "getencoding", lambda: "ANSI_X3.4-1968")
    preconditions.require_plain_paths(load_settings({name: str(tmp_path / name) for name in words}))
    with pytest.raises(ConfigurationError, match=r"set LC_ALL=C\.UTF-8") as caught:
        preconditions.require_plain_paths(load_settings(words))
    assert len(caught.value.problems) == 3


def test_java_finds_a_folder_with_letters_beyond_ascii(tmp_path: Path, catalog: Catalog) -> None:
    """Real for Kafka, which formats its storage where its file says."""
    cache, java = load_settings().cache, require_java()
    ensure_jars(cache, print, java)
    home = tmp_path / _ACCENTED
    settings = load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_CACHE": str(cache)})
    kafka.prepare(settings, java)
    assert (home / "kafka" / "data" / "meta.properties").is_file()
    connect.prepare(settings, catalog, connections(settings))
    text = (home / "connect" / "worker.properties").read_text(encoding="ascii")
    escapes = r"/\u00c1rea de Trabalho \u03a9 \ud83d\ude00/secrets.env"
    assert f"config.providers.file.param.allowed.paths={tmp_path}{escapes}\n" in text


def test_a_home_that_is_not_there_yet_is_on_some_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, usage = [], shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or usage(folder))
    assert preconditions.free_bytes(tmp_path / "not" / "yet") > 0
    assert asked == [tmp_path]  # not what is free there twice: others write meanwhile


def test_a_folder_below_a_private_one_cannot_be_entered(tmp_path: Path) -> None:
    private = tmp_path / "private"
    (private / "inside").mkdir(parents=True)
    tmp_path.chmod(0o755)
    private.chmod(0o700)
    assert not owner.enterable(private / "inside" / "not there yet")


def test_a_cluster_stays_where_it_was_made_whatever_becomes_of_the_folder_above(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "postgres" / "data").mkdir(parents=True)
    home.chmod(0o700)
    assert owner.place_of(home).data == home / "postgres" / "data"


def test_a_cluster_of_a_user_whom_the_machine_does_not_know_is_told_with_his_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container whose root mounts the home of a user outside."""
    cluster = tmp_path / "postgres"
    (cluster / "data").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(cluster, 54_321, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    with pytest.raises(LakehouseError) as caught:
        owner.place_of(tmp_path)
    assert caught.value.where == str(cluster)
    assert f"user {cluster.stat().st_uid}" in caught.value.problem
    assert f"useradd --system --no-create-home --uid {cluster.stat().st_uid}" in caught.value.next_step


def test_a_home_that_was_moved_gets_no_empty_database_in_place_of_its_own(tmp_path: Path) -> None:
    cluster, elsewhere = tmp_path / "cluster", tmp_path / "elsewhere"
    home = tmp_path / "home"
    home.mkdir()
    (home / "postgres").symlink_to(cluster)
    place = owner.Place(elsewhere / "data", elsewhere / "bin", None, elsewhere)
    with pytest.raises(LakehouseError, match="moved or copied") as caught:
        owner.prepare(home, place)
    assert f"mv {cluster} {elsewhere}" in caught.value.next_step
    assert not elsewhere.exists()


def test_a_folder_that_is_no_home_is_never_removed(tmp_path: Path) -> None:
    keep = tmp_path / "photographs" / "run" / "one"
    keep.parent.mkdir(parents=True)
    keep.write_text("kept")
    settings = load_settings(
        {"LAKEHOUSE_HOME": str(tmp_path / "photographs"), "LAKEHOUSE_LAKE": str(tmp_path / "lake")}
    )
    with pytest.raises(LakehouseError, match="no home of a stack"):
        clean(settings, print)
    assert keep.read_text() == "kept"


def test_who_waits_for_another_word_at_the_same_stack_is_told(settings: Settings) -> None:
    told: list[str] = []
    with ThreadPoolExecutor() as pool:
        with (settings.home / ".lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            waiting = pool.submit(down, settings, told.append)
            eventually(lambda: told != [] or waiting.done())
        waiting.result(60)
    assert told == ["another up, down or clean of this stack is at work; waiting until it ends", "nothing is running"]


def test_clean_removes_the_layers_and_leaves_what_else_is_in_the_lake(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name in ("raw", "transformed", "refined", "mine"):
        (lake / name).mkdir(parents=True)
    (lake / "README.md").write_text("kept")
    settings = load_settings({"LAKEHOUSE_HOME": str(tmp_path / "home"), "LAKEHOUSE_LAKE": str(lake)})
    with pytest.raises(LakehouseError, match="there is a lake"):  # perhaps of a running stack with another home
        clean(settings, print)
    assert (lake / "raw").exists()
    secrets.ensure_secrets(settings.home)
    clean(settings, print)
    assert not settings.home.exists()
    assert sorted(path.name for path in lake.iterdir()) == ["README.md", "mine"]


def test_clean_removes_a_home_that_is_a_link_to_another_disk_and_what_it_points_to(tmp_path: Path) -> None:
    disk, home = tmp_path / "disk", tmp_path / "home"
    disk.mkdir()
    home.symlink_to(disk)
    settings = load_settings({"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_LAKE": str(tmp_path / "lake")})
    secrets.ensure_secrets(settings.home)
    clean(settings, print)
    assert list(tmp_path.iterdir()) == []


def test_the_address_of_an_external_service_is_shown_without_its_password_or_token(tmp_path: Path) -> None:
    words = {
        "LAKEHOUSE_SOURCE_DSN": "postgresql://a:secretword@[2001:db8::1]/erp?sslmode=require",
        "LAKEHOUSE_KAFKA_BOOTSTRAP": "kafka-1.example:9092,[2001:db8::2]:9092",
        "LAKEHOUSE_CONNECT_URL": "http://user:secretword@connect.example:8083/secretword",
        "LAKEHOUSE_SPARK_REMOTE": "sc://spark.example:443/;use_ssl=true;token=a,secretword",
    }
    settings = load_settings({"LAKEHOUSE_HOME": str(tmp_path), **words})
    assert dict(plan.external_states(settings, connections(settings))) == {
        "postgres": "[2001:db8::1]:5432/erp",
        "kafka": "kafka-1.example:9092,[2001:db8::2]:9092",
        "connect": "http://connect.example:8083",
        "engine": "sc://spark.example:443",
    }
