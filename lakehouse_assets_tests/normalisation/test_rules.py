"""The rules of values as Spark carries them out: every worked example, and the plain-Python reference on built texts."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse_assets.catalog.rules import AmountRule, DateRule, Rule, parse_rule
from lakehouse_assets.engine.values import Value, read_texts
from lakehouse_assets_tests.normalisation.reference import read
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


def differences(spark: SparkSession, samples: list[Sample]) -> list[str]:
    """Every sample that Spark and the reference read differently."""
    return [
        f"{text!r} by {json.dumps(rule)}: Spark {found.value} {found.status} ({found.clause}), reference {expected.value} {expected.status}"
        for (text, rule), found in zip(samples, spark_reads(spark, samples), strict=True)
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


def test_spark_reads_built_texts_as_the_reference(spark: SparkSession) -> None:
    found = differences(spark, built_samples(SEED))
    assert not found, "\n".join([f"{len(found)} differences", *found])
