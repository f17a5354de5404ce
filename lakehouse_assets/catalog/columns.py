"""Reads one column of a catalog: its type, the rule that reads its text, how it is protected. Every problem is listed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lakehouse_assets.catalog import names
from lakehouse_assets.catalog.model import Column, Protect, Table
from lakehouse_assets.catalog.rules import Rule, parse_rule
from lakehouse_assets.catalog.types import FORMS, Kind, PostgresType, declared, parse_type

_COLUMN_KEYS = {"type", "description", "rule", "protect", "keep", "protect_at", "holds"}
# Text types in the sense of the rules: what a person may have typed; uuid and json are texts only in the lake.
READABLE = ("text", "varchar", "char", "citext")
PERSONAL = ("cpf", "cnpj", "email", "phone")
# What the transformed tables hold beside the source's columns, and the MERGE beside those.
_RESERVED = re.compile(
    r"_(position|lsn|tx_id|op|committed_at|floor|dead|key|keys|kid|(inner|outer)_pad|[0-9]+_.*|(kept|unknown|clause|clear)_.*)|.*__(raw|status)",
    re.IGNORECASE,
)


def read_column(
    place: str, name: str, entry: object, is_key: bool, encodings: dict[str, str], problems: list[str]
) -> Column | None:
    """The column that `entry` of the catalog stands for; None when it is none, for the problems that are added."""
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
    if is_key and parsed.kind in FORMS:
        problems.append(f"{place}: a key cannot be of type {parsed.text}: messages write it otherwise than the server")
    protection = _protection(place, entry, parsed, is_key, problems)
    rule, why = _rule(place, name, entry, parsed, is_key, protection.get("protect"), problems)
    return Column(name, parsed, description, rule, why, encoding=encoding_of(parsed, encodings), **protection)


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
    readable = kind.text.split("(")[0] in READABLE
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


def source_column(table: Table, name: str, type_text: str) -> Column | str:
    """A column of the source as the catalog would read it if it were declared there, or why it cannot be."""
    if name.lower() in [column.name.lower() for column in table.columns]:
        return "there is a column of the same name but for its case"
    problems: list[str] = []
    column = read_column("", name, declared(type_text), False, table.encodings, problems)
    return replace(column, declared=False) if column and not problems else problems[0].removeprefix(": ")


def with_type(table: Table, column: Column, kind: PostgresType) -> Column:
    """The column, read as the source's type in place of the catalog's."""
    return replace(column, type=kind, encoding=encoding_of(kind, table.encodings), declared=False)


def encoding_of(kind: PostgresType, encodings: dict[str, str]) -> str | None:
    """How the connector writes a value of the type; None for the usual way."""
    if kind.kind is Kind.DECIMAL and encodings["decimals"] == "precise":
        return "variable_scale" if kind.text == "numeric" else "precise"
    if kind.units and encodings["times"] != "adaptive":
        return {"connect": "Timestamp", "nanoseconds": "NanoTimestamp"}[encodings["times"]]
    return None
