"""Reads single texts by the rules of values, in the Spark expressions that tables are read with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lakehouse_assets.catalog.rules import DateRule, Rule
from lakehouse_assets.normalisation.dictionary import reading
from lakehouse_assets.normalisation.reading import read_all, result

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# For few rows, compiling the expressions costs many times what running them does.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
# Many expressions in one compiled method grow beyond what the JVM compiles; operator by operator they do not.
BY_OPERATOR = {"spark.sql.codegen.wholeStage": "false"}
FEW_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1)


class Value(NamedTuple):
    """A text as it was read: the value as text (an instant in UTC with Z), its status and the clause that decided."""

    value: str | None
    status: str
    clause: str


def read_texts(spark: SparkSession, texts: Iterable[tuple[str | None, Rule]]) -> list[Value]:
    """Each text by its own rule, in the order given; one query a rule."""
    numbered = list(enumerate(texts))
    by_rule: dict[Rule, list[tuple[int, str | None]]] = {}
    for number, (text, rule) in numbered:
        by_rule.setdefault(rule, []).append((number, text))
    found: dict[int, Value] = {}
    with settings(spark, INTERPRETED):
        for rule, rows in by_rule.items():
            source = spark.createDataFrame(rows, "number bigint, text string")
            source.createOrReplaceTempView("texts_to_read")
            computed = read_all("SELECT * FROM texts_to_read", {"text": reading(rule)})
            value, status, clause = _plain(rule, result(0, "value")), result(0, "status"), result(0, "clause")
            for row in spark.sql(
                f"SELECT number, {value} AS v, {status} AS s, {clause} AS c FROM ({computed})"
            ).collect():
                found[row.number] = Value(_shown(row.v), row.s, row.c)
    return [found[number] for number, _ in numbered]


def _plain(rule: Rule, value: str) -> str:
    """A value without the session's time zone: an instant as microseconds."""
    return f"unix_micros({value})" if isinstance(rule, DateRule) and rule.instant else f"CAST({value} AS string)"


def _shown(value: str | int | None) -> str | None:
    if isinstance(value, int):
        return (_EPOCH + timedelta(microseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def suited(rows: int, *, judged: bool = False) -> dict[str, str]:
    """The settings that a statement over so many rows runs best with; `judged`: it reads texts by the rules of values."""
    if rows <= FEW_ROWS:
        return INTERPRETED
    return BY_OPERATOR if judged else {}


@contextmanager
def settings(spark: SparkSession, values: dict[str, str]) -> Iterator[None]:
    """Settings of the session for a while."""
    before = {key: spark.conf.get(key, None) for key in values}
    for key, value in values.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, value)
