"""The rules of values as Spark carries them out: every worked example, and the plain-Python reference on built texts."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from lakehouse_assets.catalog.rules import AmountRule, DateRule, Rule, parse_rule
from lakehouse_assets.engine.values import BY_OPERATOR, Value, read_texts, settings
from lakehouse_assets.normalisation.dictionary import clauses, reading
from lakehouse_assets.normalisation.reading import read_all, result
from lakehouse_assets_tests.normalisation.reference import read
from lakehouse_assets_tests.normalisation.reference.text import STATUSES
from lakehouse_assets_tests.normalisation.texts import drawn, rules, texts_for

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Case = dict[str, Any]
Sample = tuple[str, Case]

SEED = 1
RULES, TEXTS = (
    7,
    60,
)  # of each of the three kinds of rule; Spark takes half a second for a rule and next to nothing for a text


def rule_of(entry: Case) -> Rule:
    rule = parse_rule(entry)
    assert isinstance(rule, AmountRule | DateRule), (entry, rule)
    return rule


def spark_reads(spark: SparkSession, samples: list[Sample]) -> list[Value]:
    return read_texts(spark, [(text, rule_of(rule)) for text, rule in samples])


def built_samples(seed: int, many_rules: int = RULES, many_texts: int = TEXTS) -> list[Sample]:
    """Some rules of each kind, and many texts for each of them."""
    seeds = itertools.count(1_000 * seed)
    kinds = ("date", "timestamp", "amount")
    found = [rule for kind in kinds for rule in drawn(rules(kind), many_rules, next(seeds))]
    return [(text, rule) for rule in found for text in drawn(texts_for(rule), many_texts, next(seeds))]


def differences(pairs: list[tuple[Sample, Value]]) -> list[str]:
    """Every sample that Spark and the reference read differently."""
    return [
        f"{text!r} by {json.dumps(rule)}: Spark {found.value} {found.status} ({found.clause}), reference {expected.value} {expected.status}"
        for (text, rule), found in pairs
        if (found.value, found.status) != (expected := read(text, rule))
    ]


def worked(name: str) -> list[Case]:
    lines = (Path(__file__).parent / "cases" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


EXAMPLES = [(name, number, case) for name in ("dates", "amounts") for number, case in enumerate(worked(name))]


@pytest.fixture(scope="module")
def read_examples(spark: SparkSession) -> dict[str, list[Value]]:
    """Every worked example as Spark reads it, by file."""
    return {name: spark_reads(spark, [(c["text"], c["rule"]) for c in worked(name)]) for name in ("dates", "amounts")}


@pytest.mark.parametrize(
    ("name", "number", "case"), EXAMPLES, ids=[f"{name} {number}: {case['why']}" for name, number, case in EXAMPLES]
)
def test_a_worked_example_is_read_as_it_says(
    read_examples: dict[str, list[Value]], name: str, number: int, case: Case
) -> None:
    found = read_examples[name][number]
    assert (found.value, found.status) == (case["value"], case["status"]), found.clause


@pytest.fixture(scope="module")
def built(spark: SparkSession) -> list[tuple[Sample, Value]]:
    """Built texts and rules as Spark reads them."""
    samples = built_samples(SEED)
    return list(zip(samples, spark_reads(spark, samples), strict=True))


def test_spark_reads_built_texts_as_the_reference(built: list[tuple[Sample, Value]]) -> None:
    found = differences(built)
    assert not found, "\n".join([f"{len(found)} differences", *found])


def test_built_texts_meet_every_status_and_most_clauses(built: list[tuple[Sample, Value]]) -> None:
    assert {value.status for _, value in built} == set(STATUSES)
    for kind in (DateRule, AmountRule):
        known = set(clauses(kind()))
        met = {value.clause for (_, rule), value in built if isinstance(rule_of(rule), kind)}
        assert met <= known
        assert len(met) > 0.7 * len(known), known - met


def few(built: list[tuple[Sample, Value]]) -> dict[str, list[tuple[Sample, Value]]]:
    """Of each kind of rule the last one that was drawn, with its texts."""
    last = {rule["rule"]: rule for (_, rule), _ in built}
    return {kind: [pair for pair in built if pair[0][1] == rule] for kind, rule in last.items()}


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Pacific/Apia"])
def test_the_sessions_time_zone_decides_nothing(
    spark: SparkSession, built: list[tuple[Sample, Value]], zone: str
) -> None:
    instants = [
        "31/12/2400 20:59:59.999999",
        "2024-01-31T00:30:00+14:00",
        "04/11/2018 00:30",
        "17/02/2018 23:30",
        "1/1/1600",
    ]
    odd = [(text, {"rule": kind}) for text in instants for kind in ("date", "timestamp")]
    pairs = [pair for chosen in few(built).values() for pair in chosen] + list(
        zip(odd, spark_reads(spark, odd), strict=True)
    )
    with settings(spark, {"spark.sql.session.timeZone": zone}):
        assert spark_reads(spark, [sample for sample, _ in pairs]) == [value for _, value in pairs]


def test_neither_order_nor_batches_decide_anything(spark: SparkSession, built: list[tuple[Sample, Value]]) -> None:
    pairs = [pair for chosen in few(built).values() for pair in chosen][::-1]
    batches = [pairs[:1], pairs[1:20], pairs[20:]]
    found = [value for batch in batches for value in spark_reads(spark, [sample for sample, _ in batch])]
    assert found == [value for _, value in pairs]


def test_the_columns_of_a_table_are_read_as_single_texts(
    spark: SparkSession, built: list[tuple[Sample, Value]]
) -> None:
    """Side by side in compiled expressions, as a fold reads them."""
    chosen = few(built)
    most = max(map(len, chosen.values()))
    texts = [[pair[0][0] for pair in pairs] + [None] * (most - len(pairs)) for pairs in chosen.values()]
    rows = [(number, *row) for number, row in enumerate(zip(*texts, strict=True))]
    spark.createDataFrame(
        rows, f"number int, {', '.join(f'`{kind}` string' for kind in chosen)}"
    ).createOrReplaceTempView("columns_to_read")
    readings = {f"`{kind}`": reading(rule_of(pairs[0][0][1])) for kind, pairs in chosen.items()}
    columns = [f"struct({result(i, 'status')}, {result(i, 'clause')}) AS `{kind}`" for i, kind in enumerate(chosen)]
    with settings(spark, BY_OPERATOR):
        computed = read_all("SELECT * FROM columns_to_read", readings)
        found = spark.sql(f"SELECT number, {', '.join(columns)} FROM ({computed}) ORDER BY number").collect()
    for kind, pairs in chosen.items():
        assert [tuple(row[kind]) for row in found[: len(pairs)]] == [value[1:] for _, value in pairs]
        assert {tuple(row[kind]) for row in found[len(pairs) :]} <= {("ok", "empty")}


FAR = [
    ("31/12/2400 20:59:59.999999", "2400-12-31", "2400-12-31T23:59:59.999999Z"),
    ("31/12/2400 21:00", "2400-12-31", None),
    ("2400-12-31T23:59:59.999999-03:00", "2400-12-31", None),
    ("01/01/1600", "1600-01-01", "1600-01-01T03:06:28.000000Z"),
    ("1600-01-01T02:00:00Z", None, "1600-01-01T02:00:00.000000Z"),
]


def test_the_years_end_at_their_last_microsecond(spark: SparkSession) -> None:
    found = spark_reads(spark, [(text, {"rule": kind}) for text, _, _ in FAR for kind in ("date", "timestamp")])
    assert [value.value for value in found] == [value for _, *values in FAR for value in values]


def clock_changes(zone: str, years: range) -> list[datetime]:
    """The wall times just before which a zone's clock was changed, as both of its offsets show them."""
    place, found = ZoneInfo(zone), []
    at, step = datetime(years[0], 1, 1, tzinfo=UTC), timedelta(minutes=30)
    while at.year <= years[-1]:
        before, after = (moment.astimezone(place).utcoffset() for moment in (at - step, at))
        if before and after and before != after:
            found += [(at + offset).replace(tzinfo=None) for offset in (before, after)]
        at += step
    return found


def test_times_around_every_clock_change_are_read_as_the_reference(spark: SparkSession) -> None:
    near = [timedelta(seconds=s) for s in (-3601, -3600, -1800, -1, 0, 1, 1800, 3599, 3600)]
    samples: list[Sample] = []
    for zone in ("America/Sao_Paulo", "Australia/Lord_Howe"):
        rule = {"rule": "timestamp", "timezone": zone}
        walls = {wall + more for wall in clock_changes(zone, range(1985, 2020)) for more in near}
        samples += [(wall.isoformat(" "), rule) for wall in sorted(walls)]
    pairs = list(zip(samples, spark_reads(spark, samples), strict=True))
    assert sum(value.clause == "clock_change" for _, value in pairs) > 400
    assert not differences(pairs)
