"""The README in Portuguese says what the one in English says, and neither names what is not there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Group

from lakehouse_assets.cli.app import cli

PROJECT = Path(__file__).parents[1]
PAGES = ["README.md", "README.pt-BR.md", *(str(p.relative_to(PROJECT)) for p in sorted((PROJECT / "docs").rglob("*.md")))]  # fmt: skip
ENGLISH, PORTUGUESE = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.pt-BR.md"))


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_both_have_the_same_sections_and_tables() -> None:
    assert [line.split(" ")[0] for line in lines(ENGLISH, "#")] == [
        line.split(" ")[0] for line in lines(PORTUGUESE, "#")
    ]
    assert len(lines(ENGLISH, "|")) == len(lines(PORTUGUESE, "|"))
    assert len(ENGLISH.split("```")) == len(PORTUGUESE.split("```"))


def test_both_name_the_same_commands_files_and_figures_row_by_row() -> None:
    for mine, theirs in zip(lines(ENGLISH, "|"), lines(PORTUGUESE, "|"), strict=True):
        assert re.findall(r"`[^`]+`", mine) == re.findall(r"`[^`]+`", theirs)
        assert re.findall(r"[0-9]+", mine) == re.findall(r"[0-9]+", theirs)


def test_both_link_to_the_same_pages() -> None:
    mine, theirs = (re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text)[1:] for text in (ENGLISH, PORTUGUESE))
    assert mine == theirs


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_or_a_heading_is_there(page: str) -> None:
    place = PROJECT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", place.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        found = (place.parent / file).resolve() if file else place
        assert found.exists(), f"{page} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in slugs, f"{page} links to {target}"


def commands(text: str) -> Iterator[list[str]]:
    """Every command of ours that a page shows, in a block or in a line."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from (
            shlex.split(part, comments=True) for line in block.splitlines() for part in re.split(r"&&|\|", line)
        )
    yield from (one.split() for one in re.findall(r"`((?:lakehouse|make) [^`]+)`", text))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_shown_exists_with_its_options(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for words in commands((PROJECT / page).read_text(encoding="utf-8")):
        while words and "=" in words[0]:
            words = words[1:]
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if re.fullmatch(r"[a-z-]+", word)} <= targets, words
        if words[:1] != ["lakehouse"] or len(words) == 1:
            continue
        command, rest = cli, words[1:]
        while isinstance(command, Group) and rest and not rest[0].startswith("-"):
            several = [command.commands.get(name) for name in rest[0].split("|")]
            assert all(several), f"{page}: {' '.join(words)}"
            command, rest = several[0], rest[1:]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        asked = {word.strip("[]").split("=")[0] for word in rest if word.startswith(("-", "[-")) and word != "-"}
        assert asked <= known, f"{page}: {' '.join(words)}"


def test_the_documents_are_built_as_a_site_without_a_warning(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "docs", tmp_path / "docs")
    shutil.copy(PROJECT / "mkdocs.yml", tmp_path)
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run([program, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page.with_suffix("").name for page in (PROJECT / "docs").glob("*.md")}
    assert {page.with_suffix("").name for page in (tmp_path / "build" / "site").glob("*.html")} == {*pages, "404"}
    named = set(re.findall(r"^ +- (?:\w+: )?([\w/-]+)\.md$", (PROJECT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    assert pages <= named, "a page that no menu leads to"


def test_every_word_is_in_the_readme() -> None:
    assert [name for name in cli.commands if f"`lakehouse {name}" not in ENGLISH] == []
