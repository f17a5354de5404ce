"""The jars are exactly those of the lock, or nothing starts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack.jars import check_jars, ensure_jars, jar_paths, read_lock
from lakehouse_assets.stack.java import require_java

_CONTENT = b"not really a jar"
_SHA = hashlib.sha256(_CONTENT).hexdigest()
# A real one, and small: every set needs the slf4j API.
_SMALL = "7b751d952061954d5abfed7181c1f645d336091b679891591d63329c622eb832  kafka  org.slf4j:slf4j-api:2.0.17"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    path.write_text(f"{_SHA}  kafka  org.one:first:1.0\n{_SHA}  spark  org.two:second:2.0\n")
    return path


def _fill(cache: Path, lock: Path) -> list[Path]:
    paths = [*jar_paths(cache, "kafka", lock), *jar_paths(cache, "spark", lock)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_CONTENT)
    return paths


def test_the_shipped_lock_is_readable_and_names_no_file_twice_in_a_set() -> None:
    jars = read_lock()
    places = [(jar.set_name, jar.file_name) for jar in jars]
    assert len(set(places)) == len(places) == 124
    assert {jar.set_name for jar in jars} == {"kafka", "debezium", "spark"}


@pytest.mark.parametrize(
    "line",
    ["abc  kafka  a:b:1", f"{_SHA}  other  a:b:1", f"{_SHA}  kafka  a:b", f"{_SHA} kafka", f"{_SHA} kafka a:b:1 more"],
)
def test_a_line_that_cannot_be_read_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "jars.lock"
    lock.write_text(f"{_SHA}  kafka  a:b:1\n\n{line}\n")
    with pytest.raises(LakehouseError, match=r"jars\.lock:3"):
        read_lock(lock)


def test_jars_as_locked_pass(tmp_path: Path, lock: Path) -> None:
    _fill(tmp_path / "cache", lock)
    assert check_jars(tmp_path / "cache", lock) == []
    ensure_jars(tmp_path / "cache", pytest.fail, Path("no-java-is-needed"), lock)


def test_a_jar_that_differs_is_named_with_the_way_to_mend_it(tmp_path: Path, lock: Path) -> None:
    first, second = _fill(tmp_path / "cache", lock)
    second.write_bytes(b"somebody else's")
    with pytest.raises(LakehouseError) as caught:
        ensure_jars(tmp_path / "cache", print, Path("java"), lock)
    assert str(second) in caught.value.problem
    assert str(first) not in caught.value.problem
    assert "delete" in caught.value.next_step


def test_a_jar_nobody_locked_is_refused(tmp_path: Path, lock: Path) -> None:
    first, _ = _fill(tmp_path / "cache", lock)
    (first.parent / "stranger-1.0.jar").write_bytes(b"")
    assert [problem for problem in check_jars(tmp_path / "cache", lock) if "stranger" in problem]


def test_a_changed_lock_never_meets_the_old_folder(tmp_path: Path, lock: Path) -> None:
    before = jar_paths(tmp_path, "kafka", lock)[0].parent
    lock.write_text(lock.read_text().replace(_SHA, "0" * 64, 1))
    assert jar_paths(tmp_path, "kafka", lock)[0].parent != before


def test_a_set_lies_alone_in_its_folder_as_connect_wants_its_plugins(tmp_path: Path) -> None:
    folder = jar_paths(tmp_path, "debezium")[0].parent
    assert folder.name == "debezium"
    assert folder.parent not in {jar_paths(tmp_path, other)[0].parent.parent for other in ("kafka", "spark")}


@pytest.mark.stack
def test_a_missing_jar_is_fetched_once_and_a_wrong_one_is_thrown_away(tmp_path: Path) -> None:
    said: list[str] = []
    lock, cache, java = tmp_path / "jars.lock", tmp_path / "cache", require_java()
    lock.write_text(_SMALL)
    ensure_jars(cache, said.append, java, lock)
    fetched = list(said)
    assert fetched
    ensure_jars(cache, said.append, java, lock)
    assert said == fetched
    lock.write_text("0" * 64 + _SMALL[64:])
    with pytest.raises(LakehouseError, match="thrown away"):
        ensure_jars(cache, said.append, java, lock)
    assert not jar_paths(cache, "kafka", lock)[0].exists()
    assert not list((cache / "jars").glob(".fetch-*"))


@pytest.mark.stack
def test_a_jar_that_is_nowhere_is_said_by_name(tmp_path: Path) -> None:
    lock = tmp_path / "jars.lock"
    lock.write_text(_SMALL.replace("2.0.17", "2.0.17-no-such-version"))
    with pytest.raises(LakehouseError, match="no-such-version"):
        ensure_jars(tmp_path / "cache", print, require_java(), lock)
