"""Reads `lakehouse.toml` and checks it hard: every problem is listed at once, with its place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lakehouse_assets.catalog.columns import read_column
from lakehouse_assets.catalog.model import NAME, VERSION_COLUMNS, Catalog, Column, Drift, Table, unspeakable
from lakehouse_assets.errors import ConfigurationError

_LAKE_KEYS = {"topic_prefix": "lakehouse", "publication": "lakehouse", "slot": "lakehouse"}
_TABLE_KEYS = {"schema", "source", "key", "columns", "description", "owner", "drift", "history"}
_SECTIONS = ("lake", "tables", "refined")
# How the connector writes decimals and times: its decimal.handling.mode and time.precision.mode.
_ENCODINGS = {"decimals": ("string", "precise"), "times": ("adaptive", "connect", "nanoseconds")}
USUAL_ENCODINGS = {key: allowed[0] for key, allowed in _ENCODINGS.items()}
_NEXT = "set LAKEHOUSE_CATALOG to a catalog file"


def load_catalog(path: Path) -> Catalog:
    """The catalog in `path`; raises ConfigurationError listing every problem."""
    text = catalog_text(path)
    if text is None:
        raise ConfigurationError(["the catalog does not exist"], where=str(path), next_step=_NEXT)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"not valid TOML: {error}"], where=str(path)) from None
    problems: list[str] = []
    catalog = _catalog(document, problems)
    if problems:
        raise ConfigurationError(problems, where=str(path), next_step="docs/catalog.md has every key, with an example")
    return catalog


def catalog_text(path: Path) -> str | None:
    """The text of a catalog's file, None when there is no file; ConfigurationError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            [f"not valid TOML: {error}"], where=str(path), next_step="save the file in UTF-8"
        ) from None
    except OSError as error:
        raise ConfigurationError([f"cannot be read: {error.strerror}"], where=str(path), next_step=_NEXT) from None


def _catalog(document: dict[str, Any], problems: list[str]) -> Catalog:
    problems += [f"{key}: unknown section; known: {', '.join(_SECTIONS)}" for key in document if key not in _SECTIONS]
    lake = _lake(document.get("lake", {}), problems)
    encodings = {key: lake.pop(key) for key in _ENCODINGS}
    tables = document.get("tables", {})
    if not isinstance(tables, dict) or not tables:
        problems.append("tables: at least one [tables.NAME] is needed")
        tables = {}
    read = [_table(name, entry, lake["topic_prefix"], encodings, problems) for name, entry in tables.items()]
    first: dict[str, str] = {}
    for table in filter(None, read):
        if (other := first.setdefault(table.topic, table.name)) != table.name:
            problems.append(f"tables.{table.name}: its changes come in the topic of tables.{other}'s, {table.topic}")
    parameters = _parameters(document.get("refined", {}), problems)
    return Catalog(tables=tuple(table for table in read if table), parameters=parameters, **lake, **encodings)


def _parameters(entry: object, problems: list[str]) -> dict[str, object]:
    if not isinstance(entry, dict) or set(entry) - {"parameters"} or not isinstance(entry.get("parameters", {}), dict):
        problems.append("refined: only a section [refined.parameters] is known")
        return {}
    return dict(entry.get("parameters", {}))


def _lake(entry: object, problems: list[str]) -> dict[str, str]:
    if not isinstance(entry, dict):
        problems.append("lake: must be a section")
        return _LAKE_KEYS | USUAL_ENCODINGS
    known = (*_LAKE_KEYS, *_ENCODINGS)
    problems += [f"lake.{key}: unknown key; known: {', '.join(known)}" for key in entry if key not in known]
    lake = {key: entry.get(key, default) for key, default in _LAKE_KEYS.items()}
    for key, value in lake.items():
        if not isinstance(value, str) or not NAME.fullmatch(value):
            problems.append(f"lake.{key}: {value!r} must be lower-case letters, digits and _")
    encodings = {key: entry.get(key, usual) for key, usual in USUAL_ENCODINGS.items()}
    for key, value in encodings.items():
        if value not in _ENCODINGS[key]:
            problems.append(f"lake.{key}: {value!r} is not one of {', '.join(_ENCODINGS[key])}")
    return lake | encodings


def _table(name: str, entry: object, topic_prefix: str, encodings: dict[str, str], problems: list[str]) -> Table | None:
    place = f"tables.{name}"
    before = len(problems)
    if not NAME.fullmatch(name):
        problems.append(f"{place}: the name must be lower-case letters, digits and _")
    if not isinstance(entry, dict):
        problems.append(f"{place}: must be a section")
        return None
    problems += [
        f"{place}.{k}: unknown key; known: {', '.join(sorted(_TABLE_KEYS))}" for k in entry if k not in _TABLE_KEYS
    ]
    texts = {
        key: entry.get(key, default)
        for key, default in (("schema", "public"), ("source", ""), ("description", ""), ("owner", ""))
    }
    problems += [f"{place}.{key}: must be text" for key, value in texts.items() if not isinstance(value, str)]
    problems += [
        f"{place}.{key}: {value!r} {why}"
        for key in ("schema", "source")
        if isinstance(value := texts[key], str) and (why := unspeakable(value))
    ]
    if texts["schema"] == "":
        problems.append(f"{place}.schema: is empty")
    drift = entry.get("drift", Drift.EVOLVE)
    if drift not in list(Drift):
        problems.append(f"{place}.drift: {drift!r} is not one of {', '.join(Drift)}")
    key = _key(place, entry.get("key"), entry.get("columns"), problems)
    columns = _columns(place, entry.get("columns"), key, encodings, problems)
    history = entry.get("history", False)
    if not isinstance(history, bool):
        problems.append(f"{place}.history: must be true or false")
    problems += [
        f"{place}.columns.{column.name}: the name is taken by a column of its history"
        for column in columns
        if history and column.name.lower() in VERSION_COLUMNS
    ]
    if len(problems) > before:
        return None
    drift = Drift(drift)
    return Table(
        name=name, key=key, columns=columns, topic_prefix=topic_prefix, drift=drift, history=history, **texts, **encodings
    )  # fmt: skip


def _columns(
    place: str, entry: object, key: tuple[str, ...], encodings: dict[str, str], problems: list[str]
) -> tuple[Column, ...]:
    if not isinstance(entry, dict) or not entry:
        problems.append(f"{place}.columns: at least one column is needed")
        return ()
    columns = [
        read_column(f"{place}.columns.{name}", name, value, name in key, encodings, problems)
        for name, value in entry.items()
    ]
    # Spark tells no columns apart by case.
    by_name: dict[str, str] = {}
    for name in entry:
        if (first := by_name.setdefault(name.lower(), name)) != name:
            problems.append(f"{place}.columns.{name}: {first!r} is the same name but for its case")
    return tuple(column for column in columns if column)


def _key(place: str, entry: object, columns: object, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(entry, list) or not entry or not all(isinstance(name, str) for name in entry):
        problems.append(
            f"{place}.key: a primary key is needed (a list of columns): a table without one cannot be folded"
        )
        return ()
    if isinstance(columns, dict) and columns:
        problems += [f"{place}.key: {name!r} is no column of the table" for name in entry if name not in columns]
    if len(set(entry)) < len(entry):
        problems.append(f"{place}.key: names a column twice")
    return tuple(entry)
