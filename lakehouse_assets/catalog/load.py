"""Reads `lakehouse.toml` and checks it hard: every problem is listed at once, with its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from lakehouse_assets.catalog import names
from lakehouse_assets.catalog.model import VERSION_COLUMNS, Catalog, Column, Protect, Table
from lakehouse_assets.catalog.rules import Rule, parse_rule
from lakehouse_assets.catalog.types import Kind, PostgresType, parse_type
from lakehouse_assets.errors import ConfigurationError

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LAKE_KEYS = {"topic_prefix": "lakehouse", "publication": "lakehouse", "slot": "lakehouse"}
_TABLE_KEYS = {"schema", "key", "columns", "description", "owner", "history"}
_COLUMN_KEYS = {"type", "description", "rule", "protect", "keep", "protect_at", "holds"}
_SECTIONS = ("lake", "tables", "refined")
# How the connector writes decimals and times: its decimal.handling.mode and time.precision.mode.
_ENCODINGS = {"decimals": ("string", "precise"), "times": ("adaptive", "connect", "nanoseconds")}
# Text types in the sense of the rules: what a person may have typed; uuid and json are texts only in the lake.
_READABLE = ("text", "varchar", "char", "citext")
PERSONAL = ("cpf", "cnpj", "email", "phone")
# What the transformed tables hold beside the source's columns, and the MERGE beside those.
_RESERVED = re.compile(
    r"_(position|lsn|tx_id|op|committed_at|floor|dead|key|keys|kid|(inner|outer)_pad|[0-9]+_.*|(kept|unknown|clause|clear)_.*)|.*__(raw|status)",
    re.IGNORECASE,
)


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
    problems += [f"{key}: unknown section; known: {', '.join(_SECTIONS)}" for key in document if key not in _SECTIONS]
    lake = _lake(document.get("lake", {}), problems)
    encodings = {key: lake.pop(key) for key in _ENCODINGS}
    tables = document.get("tables", {})
    if not isinstance(tables, dict) or not tables:
        problems.append("tables: at least one [tables.NAME] is needed")
        tables = {}
    read = [_table(name, entry, lake["topic_prefix"], encodings, problems) for name, entry in tables.items()]
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
        return _LAKE_KEYS | {key: allowed[0] for key, allowed in _ENCODINGS.items()}
    known = (*_LAKE_KEYS, *_ENCODINGS)
    problems += [f"lake.{key}: unknown key; known: {', '.join(known)}" for key in entry if key not in known]
    lake = {key: entry.get(key, default) for key, default in _LAKE_KEYS.items()}
    for key, value in lake.items():
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            problems.append(f"lake.{key}: {value!r} must be lower-case letters, digits and _")
    encodings = {key: entry.get(key, allowed[0]) for key, allowed in _ENCODINGS.items()}
    for key, value in encodings.items():
        if value not in _ENCODINGS[key]:
            problems.append(f"lake.{key}: {value!r} is not one of {', '.join(_ENCODINGS[key])}")
    return lake | encodings


def _table(name: str, entry: object, topic_prefix: str, encodings: dict[str, str], problems: list[str]) -> Table | None:
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
    return Table(name=name, key=key, columns=columns, topic_prefix=topic_prefix, history=history, **texts)


def _columns(
    place: str, entry: object, key: tuple[str, ...], encodings: dict[str, str], problems: list[str]
) -> tuple[Column, ...]:
    if not isinstance(entry, dict) or not entry:
        problems.append(f"{place}.columns: at least one column is needed")
        return ()
    columns = [
        _column(f"{place}.columns.{name}", name, value, name in key, encodings, problems)
        for name, value in entry.items()
    ]
    # Spark tells no columns apart by case.
    by_name: dict[str, str] = {}
    for name in entry:
        if (first := by_name.setdefault(name.lower(), name)) != name:
            problems.append(f"{place}.columns.{name}: {first!r} is the same name but for its case")
    return tuple(column for column in columns if column)


def _column(
    place: str, name: str, entry: object, is_key: bool, encodings: dict[str, str], problems: list[str]
) -> Column | None:
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
    protection = _protection(place, entry, parsed, is_key, problems)
    rule, why = _rule(place, name, entry, parsed, is_key, protection.get("protect"), problems)
    return Column(name, parsed, description, rule, why, encoding=_encoding(parsed, encodings), **protection)


def _rule(
    place: str,
    name: str,
    entry: dict[str, Any],
    kind: PostgresType,
    is_key: bool,
    protect: Protect | None,
    problems: list[str],
) -> tuple[Rule | None, str]:
    """The column's rule and who chose it: the catalog, else the source's type, else the name."""
    readable = kind.text.split("(")[0] in _READABLE
    hidden = protect in (Protect.MASK, Protect.TOKEN, Protect.DROP)
    if "rule" in entry:
        rule = parse_rule(entry["rule"])
        if isinstance(rule, list):
            problems += [f"{place}.rule: {problem}" for problem in rule]
            return None, ""
        if rule is None:
            return None, "catalog: switched off"
        problems += [
            f"{place}.rule: {problem}"
            for problem, wrong in (
                (f"rule {rule.name} reads texts; {kind.text} is decoded by its type", not readable),
                ("a key is never read by a rule: its text is the row's identity", is_key),
                (f"contradicts protect = {protect}: the value would show what is hidden", hidden),
            )
            if wrong
        ]
        return rule, "catalog"
    if not readable:
        return None, "type"
    found = names.hits(name)
    if len(found) != 1:
        return None, "name: parts of both rules" if found else ""
    if is_key or hidden:
        return None, "key" if is_key else f"protected: {protect}"
    rule = parse_rule(found[0])
    assert rule is not None
    assert not isinstance(rule, list)
    return rule, "name"


def _protection(
    place: str, entry: dict[str, Any], kind: PostgresType, is_key: bool, problems: list[str]
) -> dict[str, Any]:
    protect, keep, at = entry.get("protect"), entry.get("keep"), entry.get("protect_at", "lake")
    holds = entry.get("holds", [])
    if not isinstance(holds, list) or not all(h in PERSONAL for h in holds):
        problems.append(f"{place}.holds: must be a list of {', '.join(PERSONAL)}")
        holds = []
    if protect is not None and protect not in list(Protect):
        more = ": a plain hash of a CPF is undone in minutes" if "hash" in str(protect).lower() else ""
        problems.append(f"{place}.protect: {protect!r} is not one of {', '.join(Protect)}{more}")
        return {}
    wrong = (
        ("protect", "a key cannot be protected: the row could not be found again", protect and is_key),
        ("protect", f"only texts can be protected, not {kind.text}", protect and protect != Protect.DROP and kind.kind is not Kind.TEXT),
        ("keep", "only protect = 'mask' keeps characters", keep is not None and protect != Protect.MASK),
        ("keep", f"{keep!r} must be a number 0..100", keep is not None and (type(keep) is not int or not 0 <= keep <= 100)),
        ("protect_at", f"{at!r} is not one of lake, source", at not in ("lake", "source")),
        ("protect_at", "at the source only protect = 'mask' is possible, and it keeps nothing", at == "source" and (protect != Protect.MASK or bool(keep))),
    )  # fmt: skip
    problems += [f"{place}.{key}: {problem}" for key, problem, is_wrong in wrong if is_wrong]
    return {
        "protect": Protect(protect) if protect else None,
        "keep": keep if isinstance(keep, int) else 0,
        "at_source": at == "source",
        "holds": frozenset(holds),
    }


def _encoding(kind: PostgresType, encodings: dict[str, str]) -> str | None:
    """How the connector writes a value of the type; None for the usual way."""
    if kind.kind is Kind.DECIMAL and encodings["decimals"] == "precise":
        return "variable_scale" if kind.text == "numeric" else "precise"
    if kind.kind is Kind.TIMESTAMP and encodings["times"] != "adaptive":
        return {"connect": "Timestamp", "nanoseconds": "NanoTimestamp"}[encodings["times"]]
    return None


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
