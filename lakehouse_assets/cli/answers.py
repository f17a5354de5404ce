"""Prints the answer to a query for a person or a program."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse_assets.engine.reader import Answer


def render(answer: Answer, form: str) -> None:
    """Print every row in the form; JSON is one array and nothing else."""
    {"table": _table, "json": _json, "csv": _csv}[form](answer)


def plain(value: Any) -> Any:
    """A value as JSON holds it: decimals as text at their scale, dates and times as ISO text; intervals, NaN and infinity as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value) if value >= timedelta(0) else f"-{-value}"
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, UUID | bytes) else value


def objects(answer: Answer) -> list[dict[str, Any]]:
    """The rows as JSON holds them, by column; the second of one name has a number behind it."""
    names = _distinct(answer.columns)
    return [dict(zip(names, map(plain, row), strict=True)) for row in answer.rows]


def _distinct(names: Iterable[str]) -> list[str]:
    """The names with a number behind those that came before, as DuckDB gives it to the columns of a subquery."""
    found: list[str] = []
    for name in names:
        number, free = 0, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found.append(free)
    return found


def _json(answer: Answer) -> None:
    click.echo(json.dumps(objects(answer), ensure_ascii=False))


def _csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([["" if value is None else plain(value) for value in row] for row in answer.rows])


def _table(answer: Answer) -> None:
    table = Table()
    numeric = ("DECIMAL", "BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "FLOAT", "SMALLINT")
    for name, kind in zip(answer.columns, answer.types, strict=True):
        table.add_column(_shown(name), justify="right" if kind.startswith(numeric) else "left")
    for row in answer.rows:
        table.add_row(*("NULL" if value is None else _shown(str(plain(value))) for value in row))
    Console().print(table)
    click.echo(f"{len(answer.rows)} rows", err=True)


def _shown(text: str) -> Text:
    # Control characters move the cursor, and rich reads [..] as markup in all but a Text: a value must do neither.
    return Text("".join(c if c.isprintable() else "�" for c in text))
