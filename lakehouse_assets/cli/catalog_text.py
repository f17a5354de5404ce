"""Changes of the catalog's text for a person to review: what is not changed stays as it was written."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse_assets import documents
from lakehouse_assets.catalog.drift import Change, Difference
from lakehouse_assets.catalog.model import plain_name
from lakehouse_assets.catalog.rules import parse_rule
from lakehouse_assets.catalog.types import declared, parse_type
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.errors import ConfigurationError, LakehouseError

if TYPE_CHECKING:
    from lakehouse_assets.catalog import Table
    from lakehouse_assets.catalog.discovery import Proposal
    from lakehouse_assets.engine.proposal import Profile


def offer(here: Edge, before: str, after: str, *, write: bool, err: bool = False) -> bool:
    """Show the difference (`err`: on standard error), and with `write` make it; False when there is none."""
    if before == after:
        return False
    name = here.settings.catalog.name
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, name)
    click.echo("".join(lines), nl=False, err=err)
    if write:
        _replace(here.settings.catalog, after)
    return True


def with_rules(text: str, table: Table, profiles: Sequence[Profile]) -> str:
    """The catalog's text with the proposed rules."""
    document, columns = _columns(text, table)
    for found in profiles:
        if found.best is None or parse_rule(dict(found.best.entry)) == found.column.rule:
            continue
        rule = _inline(found.best.entry)
        now = columns[found.column.name]
        columns[found.column.name] = _inline(_entry(now) | {"rule": rule})
    return _text(document)


def with_shape(text: str, table: Table, found: Sequence[Difference]) -> str:
    """The catalog's text with the columns, types and key that the source has; dropped columns stay."""
    document, columns = _columns(text, table)
    for one in found:
        if one.change is Change.KEY and one.source:
            document["tables"][table.name]["key"] = one.source.split(", ")
        if one.change in (Change.ADDED, Change.WIDENED, Change.RETYPED) and not one.obstacle and _declarable(one):
            kind = declared(one.source)
            now = columns.get(one.column)
            columns[one.column] = kind if now is None or isinstance(now, str) else _inline(_entry(now) | {"type": kind})
    return _text(document)


def has_tables(text: str) -> bool:
    """Whether a catalog's text declares a table; one that cannot be read is taken to."""
    import tomllib

    try:
        return tomllib.loads(text).get("tables", {}) != {}
    except tomllib.TOMLDecodeError:
        return True


def with_tables(text: str, database: str, proposals: Sequence[Proposal]) -> str:
    """The catalog's text with a section for each proposed table; of an empty text a whole catalog, for that database.

    ConfigurationError when the catalog writes its tables in a form that no section can be added to.
    """
    import tomlkit
    from tomlkit.items import InlineTable

    if not proposals:
        return text
    document: Any = tomlkit.parse(text)
    if "lake" not in document:
        document["lake"] = {
            "topic_prefix": plain_name(database),
            "publication": "lakehouse",
            "slot": f"lakehouse_{plain_name(database)}"[:63],  # of all databases of a server
        }
    held = document.get("tables")
    if held is None or isinstance(held, InlineTable):
        # In braces nothing can be added to it; as a section it would take in the lines below, so it goes to the end.
        document.pop("tables", None)
        document["tables"] = tomlkit.table(is_super_table=not held)
        document["tables"].update(held or {})
    for one in proposals:
        section, columns = tomlkit.table(), tomlkit.table()
        for key, value in one.section.items():
            if key != "columns":
                section[key] = value
        for name, entry in one.section["columns"].items():
            columns[name] = _inline(entry) if isinstance(entry, dict) else entry
        section["columns"] = columns
        document["tables"][one.name] = section
    after = _text(document)
    if not _adds(text, after, proposals):
        raise ConfigurationError(
            ["no section can be added beside tables written as `tables.NAME.key = ...`"],
            where="catalog",
            next_step="write them as [tables.NAME] and [tables.NAME.columns]",
        )
    return after


def _adds(before: str, after: str, proposals: Sequence[Proposal]) -> bool:
    """Whether the new text holds the tables of the old one as they were, and the proposed ones."""
    import tomllib

    wanted = tomllib.loads(before).get("tables", {}) | {one.name: one.section for one in proposals}
    try:
        return tomllib.loads(after).get("tables") == wanted
    except tomllib.TOMLDecodeError:
        return False


def _replace(place: Path, text: str) -> None:
    """Put the text in the file; who reads it sees the old one or the new one. Its mode and owner stay."""
    place = place.resolve()  # a link stays one
    try:
        with documents.replacing(place, text) as draft:
            if place.exists():
                shutil.copymode(place, draft)
                with suppress(PermissionError):
                    os.chown(draft, place.stat().st_uid, place.stat().st_gid)
    except OSError as error:
        raise LakehouseError(
            f"cannot be written: {error.strerror}", where=str(place),
            next_step="let LAKEHOUSE_CATALOG be a file that can be written, or put in by hand what is shown above",
        ) from error  # fmt: skip


def _declarable(one: Difference) -> bool:
    return not isinstance(parse_type(declared(one.source)), str)


def _columns(text: str, table: Table) -> tuple[Any, Any]:
    import tomlkit

    document: Any = tomlkit.parse(text)
    return document, document["tables"][table.name]["columns"]


def _text(document: Any) -> str:
    import tomlkit

    return tomlkit.dumps(document)


def _entry(now: Any) -> dict[str, Any]:
    """A column as a section of its own."""
    return {"type": now} if isinstance(now, str) else dict(now)


def _inline(entry: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(entry)
    return table
