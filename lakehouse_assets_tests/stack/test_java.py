"""A Java that is missing or too old is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack.java import java_version, require_java


def _java(folder: Path, words: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{words}' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_402"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx="y"\nopenjdk version "21.0.1" 2023-10-17', 21),
    ],
)
def test_every_spelling_of_a_version_is_read(tmp_path: Path, words: str, version: int) -> None:
    assert java_version(_java(tmp_path, words)) == version


def test_an_old_java_is_refused_with_the_version_and_the_fix(tmp_path: Path) -> None:
    _java(tmp_path, 'openjdk version "11.0.2"')
    with pytest.raises(LakehouseError, match=r"version 11; 17 or newer.*\n.*JAVA_HOME"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_the_java_of_java_home_goes_before_that_of_path(tmp_path: Path) -> None:
    java = _java(tmp_path / "home", 'openjdk version "17.0.1"')
    other = _java(tmp_path / "path", 'openjdk version "21.0.1"')
    assert require_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(other.parent)}) == java
    assert require_java({"PATH": str(other.parent)}) == other


@pytest.mark.parametrize("environ", [{"PATH": ""}, {"JAVA_HOME": "/nowhere"}, {}])
def test_no_java_is_one_clear_error(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LakehouseError, match="install a Java"):
        require_java(environ)


def test_a_java_that_tells_no_version_is_refused_with_what_it_says(tmp_path: Path) -> None:
    _java(tmp_path, "Unrecognized VM option 'UseFastGC'")
    with pytest.raises(LakehouseError, match=r"cannot be read: it prints .*UseFastGC.*, and ends with 0"):
        require_java({"JAVA_HOME": str(tmp_path)})
