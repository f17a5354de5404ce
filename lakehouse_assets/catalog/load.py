"""Reads `lakehouse.toml` and checks it hard: every problem is listed at once, with its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from lakehouse_assets.catalog.model import Catalog, Column, Table
from lakehouse_assets.catalog.types import parse_type
from lakehouse_assets.errors import ConfigurationError

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LAKE_KEYS = {"topic_prefix": "lakehouse", "publication": "lakehouse", "slot": "lakehouse"}
_TABLE_KEYS = {"schema", "key", "columns", "description", "owner"}
_COLUMN_KEYS = {"type", "description"}
# What the transformed tables hold beside the source's columns, and the MERGE beside those.
_RESERVED = re.compile(r"_(position|lsn|tx_id|op|committed_at|floor|dead|key|kept_.*)|.*__(raw|status)", re.IGNORECASE)


def load_catalog(path: Path) -> Catalog:
    """The catalog in `path`; raises ConfigurationError listing every problem."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            ["the catalog does not exist"], where=str(path), next_step="set LAKEHOUSE_CATALOG to a catalog file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"not valid TOML: {error}"], where=str(path)) from None
    problems: list[str] = []
    catalog = _catalog(document, problems)
    if problems:
        raise ConfigurationError(problems, where=str(path), next_step="docs/tables.md shows a complete catalog")
    return catalog


def _catalog(document: dict[str, Any], problems: list[str]) -> Catalog:
    problems += [f"{key}: unknown section; known: lake, tables" for key in document if key not in ("lake", "tables")]
    lake = _lake(document.get("lake", {}), problems)
    tables = document.get("tables", {})
    if not isinstance(tables, dict) or not tables:
        problems.append("tables: at least one [tables.NAME] is needed")
        tables = {}
    read = [_table(name, entry, lake["topic_prefix"], problems) for name, entry in tables.items()]
    return Catalog(tables=tuple(table for table in read if table), **lake)


def _lake(entry: object, problems: list[str]) -> dict[str, str]:
    if not isinstance(entry, dict):
        problems.append("lake: must be a section")
        return dict(_LAKE_KEYS)
    problems += [f"lake.{key}: unknown key; known: {', '.join(_LAKE_KEYS)}" for key in entry if key not in _LAKE_KEYS]
    lake = {key: entry.get(key, default) for key, default in _LAKE_KEYS.items()}
    for key, value in lake.items():
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            problems.append(f"lake.{key}: {value!r} must be lower-case letters, digits and _")
    return lake


def _table(name: str, entry: object, topic_prefix: str, problems: list[str]) -> Table | None:
    place = f"tables.{name}"
    before = len(problems)
    if not _NAME.fullmatch(name):
        problems.append(f"{place}: the name must be lower-case letters, digits and _")
    if not isinstance(entry, dict):
        problems.append(f"{place}: must be a section")
        return None
    problems += [
        f"{place}.{k}: unknown key; known: {', '.join(sorted(_TABLE_KEYS))}" for k in entry if k not in _TABLE_KEYS
    ]
    texts = {
        key: entry.get(key, default) for key, default in (("schema", "public"), ("description", ""), ("owner", ""))
    }
    problems += [f"{place}.{key}: must be text" for key, value in texts.items() if not isinstance(value, str)]
    if isinstance(texts["schema"], str) and not _NAME.fullmatch(texts["schema"]):
        problems.append(f"{place}.schema: {texts['schema']!r} must be lower-case letters, digits and _")
    columns = _columns(place, entry.get("columns"), problems)
    key = _key(place, entry.get("key"), entry.get("columns"), problems)
    if len(problems) > before:
        return None
    return Table(name=name, key=key, columns=columns, topic_prefix=topic_prefix, **texts)


def _columns(place: str, entry: object, problems: list[str]) -> tuple[Column, ...]:
    if not isinstance(entry, dict) or not entry:
        problems.append(f"{place}.columns: at least one column is needed")
        return ()
    columns = [_column(f"{place}.columns.{name}", name, value, problems) for name, value in entry.items()]
    # Spark tells no columns apart by case.
    by_name: dict[str, str] = {}
    for name in entry:
        if (first := by_name.setdefault(name.lower(), name)) != name:
            problems.append(f"{place}.columns.{name}: {first!r} is the same name but for its case")
    return tuple(column for column in columns if column)


def _column(place: str, name: str, entry: object, problems: list[str]) -> Column | None:
    if not name:
        problems.append(f"{place}: the name is empty")
    if _RESERVED.fullmatch(name):
        problems.append(f"{place}: the name is taken by a column the platform adds")
    if isinstance(entry, str):
        entry = {"type": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        problems.append(f"{place}: must be a type or a section with `type`")
        return None
    problems += [
        f"{place}.{k}: unknown key; known: {', '.join(sorted(_COLUMN_KEYS))}" for k in entry if k not in _COLUMN_KEYS
    ]
    description = entry.get("description", "")
    if not isinstance(description, str):
        problems.append(f"{place}.description: must be text")
        return None
    parsed = parse_type(entry["type"])
    if isinstance(parsed, str):
        problems.append(f"{place}: {parsed}")
        return None
    return Column(name, parsed, description)


def _key(place: str, entry: object, columns: object, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(entry, list) or not entry or not all(isinstance(name, str) for name in entry):
        problems.append(
            f"{place}.key: a primary key is needed (a list of columns): a table without one cannot be folded"
        )
        return ()
    known = columns if isinstance(columns, dict) else {}
    problems += [f"{place}.key: {name!r} is no column of the table" for name in entry if name not in known]
    if len(set(entry)) < len(entry):
        problems.append(f"{place}.key: names a column twice")
    return tuple(entry)
