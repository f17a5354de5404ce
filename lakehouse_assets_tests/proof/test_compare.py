"""The comparison finds every difference, reports keys and columns only, and refuses what it cannot prove."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.catalog import Column, PostgresType, Table, parse_type
from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets.proof import Difference, compare

Row = tuple[Any, ...]


def table(*key: str, **types: str) -> Table:
    columns = []
    for name, text in types.items():
        parsed = parse_type(text)
        assert isinstance(parsed, PostgresType)
        columns.append(Column(name, parsed))
    return Table("pagamentos", "public", key, tuple(columns), "", "", "test")


PAGAMENTOS = table("id", id="integer", nome="text", valor="numeric(15,2)", dia="date")


def row(number: int, nome: str | None = "Ana", valor: str | None = "1.50", dia: date | None = date(2026, 1, 31)) -> Row:
    return number, nome, None if valor is None else Decimal(valor), dia


ROWS = [row(1), row(2, "", "0.00", None), row(3, None, None), row(5, "é", "-10.00")]


def test_equal_rows_are_equal_and_counted() -> None:
    proof = compare(PAGAMENTOS, iter(ROWS), iter(list(ROWS)))
    assert proof.equal
    assert (proof.source_count, proof.lake_count) == (4, 4)
    assert proof.missing == proof.extra == proof.different == []


def test_two_empty_sides_are_equal() -> None:
    assert compare(PAGAMENTOS, [], []).equal


# Each spoils a copy of ROWS as a wrong lake would be: missing, extra keys, keys of rows that differ and in what.
SPOILT: list[tuple[str, Callable[[list[Row]], object], list[int], list[int], dict[int, tuple[str, ...]]]] = [
    ("the first row is missing", lambda rows: rows.pop(0), [1], [], {}),
    ("the last row is missing", lambda rows: rows.pop(), [5], [], {}),
    ("every row is missing", lambda rows: rows.clear(), [1, 2, 3, 5], [], {}),
    ("a row before all is extra", lambda rows: rows.insert(0, row(0)), [], [0], {}),
    ("a row behind all is extra", lambda rows: rows.append(row(9)), [], [9], {}),
    ("a row is there twice", lambda rows: rows.insert(1, rows[0]), [], [1], {}),
    ("the last row is there three times", lambda rows: rows.extend([rows[-1]] * 2), [], [5, 5], {}),
    ("a row has another key", lambda rows: rows.__setitem__(2, row(4, None, None)), [3], [4], {}),
    ("a text is altered", lambda rows: rows.__setitem__(0, row(1, "Ane")), [], [], {1: ("nome",)}),
    ("a text has a space more", lambda rows: rows.__setitem__(0, row(1, "Ana ")), [], [], {1: ("nome",)}),
    ("NULL has become empty text", lambda rows: rows.__setitem__(2, row(3, "", None)), [], [], {3: ("nome",)}),
    (
        "empty text has become NULL",
        lambda rows: rows.__setitem__(1, row(2, None, "0.00", None)),
        [],
        [],
        {2: ("nome",)},
    ),
    (
        "é has become two code points",
        lambda rows: rows.__setitem__(3, row(5, "e\u0301", "-10.00")),
        [],
        [],
        {5: ("nome",)},
    ),
    ("a decimal is shifted", lambda rows: rows.__setitem__(0, row(1, valor="15.00")), [], [], {1: ("valor",)}),
    ("a decimal lost its scale", lambda rows: rows.__setitem__(0, row(1, valor="1.5")), [], [], {1: ("valor",)}),
    ("a decimal lost its sign", lambda rows: rows.__setitem__(3, row(5, "é", "10.00")), [], [], {5: ("valor",)}),
    ("zero has become negative", lambda rows: rows.__setitem__(1, row(2, "", "-0.00", None)), [], [], {2: ("valor",)}),
    (
        "a decimal has become a float",
        lambda rows: rows.__setitem__(0, (1, "Ana", 1.5, ROWS[0][3])),
        [],
        [],
        {1: ("valor",)},
    ),
    ("a day is off by one", lambda rows: rows.__setitem__(0, row(1, dia=date(2026, 2, 1))), [], [], {1: ("dia",)}),
    (
        "a day has become a moment",
        lambda rows: rows.__setitem__(0, (*ROWS[0][:3], datetime(2026, 1, 31))),
        [],
        [],
        {1: ("dia",)},
    ),
    (
        "two columns are swapped",
        lambda rows: rows.__setitem__(0, (1, ROWS[0][2], ROWS[0][1], ROWS[0][3])),
        [],
        [],
        {1: ("nome", "valor")},
    ),
]


@pytest.mark.parametrize(
    ("spoil", "missing", "extra", "different"), [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT]
)
def test_a_lake_that_is_wrong_is_found_out(
    spoil: Callable[[list[Row]], object], missing: list[int], extra: list[int], different: dict[int, tuple[str, ...]]
) -> None:
    lake = list(ROWS)
    spoil(lake)
    proof = compare(PAGAMENTOS, ROWS, lake)
    assert not proof.equal
    assert proof.missing == [(key,) for key in missing]
    assert proof.extra == [(key,) for key in extra]
    assert proof.different == [Difference((key,), columns) for key, columns in different.items()]
    assert (proof.source_count, proof.lake_count) == (len(ROWS), len(lake))


def test_a_proof_keeps_twenty_samples_and_counts_the_rest() -> None:
    source = [row(number) for number in range(100)]
    lake = [row(number, "other") for number in range(50)] + [row(number) for number in range(100, 130)]
    proof = compare(PAGAMENTOS, source, lake)
    assert (proof.missing_count, proof.extra_count, proof.different_count) == (50, 30, 50)
    assert len(proof.missing) == len(proof.extra) == len(proof.different) == 20


def test_a_proof_never_shows_a_value() -> None:
    proof = compare(PAGAMENTOS, [row(1, "segredo", "77.77")], [row(1, "sigilo", "88.88")])
    assert not any(value in repr(proof) for value in ("segredo", "sigilo", "77.77", "88.88"))


def test_floats_are_equal_as_stored_nan_and_sign_of_zero_included() -> None:
    floats = table("id", id="integer", f="double precision")
    nan = float("nan")
    assert compare(floats, [(1, nan), (2, 0.1)], [(1, float("nan")), (2, 0.1)]).equal
    assert compare(floats, [(1, 0.0)], [(1, -0.0)]).different_count == 1
    assert compare(floats, [(1, nan)], [(1, None)]).different_count == 1


def test_special_decimals_are_equal_to_themselves() -> None:
    assert compare(PAGAMENTOS, [row(1, valor="NaN")], [row(1, valor="NaN")]).equal
    assert not compare(PAGAMENTOS, [row(1, valor="NaN")], [row(1, valor=None)]).equal


def test_a_moment_is_the_same_in_every_zone_but_not_without_one() -> None:
    moments = table("id", id="integer", t="timestamptz")
    moment = datetime(2026, 1, 31, 3, tzinfo=UTC)
    assert compare(moments, [(1, moment)], [(1, moment.astimezone(timezone(timedelta(hours=-3))))]).equal
    assert not compare(moments, [(1, moment)], [(1, moment.replace(tzinfo=None))]).equal


def test_keys_of_several_columns_are_walked_in_the_keys_order_not_the_tables() -> None:
    double = table("b", "a", a="integer", b="text")
    rows = [(2, "x"), (10, "x"), (1, "y"), (1, "é")]
    assert compare(double, rows, rows).equal
    assert compare(double, rows, rows[:2] + rows[3:]).missing == [("y", 1)]


@pytest.mark.parametrize("side", ["source", "lake"])
@pytest.mark.parametrize("disorder", [[row(2), row(1)], [row(1), row(3), row(2)]])
def test_rows_out_of_order_prove_nothing(side: str, disorder: list[Row]) -> None:
    sides = {"source": ROWS, "lake": ROWS} | {side: disorder}
    with pytest.raises(LakehouseError, match="not in key order") as raised:
        compare(PAGAMENTOS, sides["source"], sides["lake"])
    assert raised.value.exit_code == EXIT_DATA
    assert raised.value.where == f"{side} pagamentos"


def test_a_text_key_ordered_by_a_language_is_refused() -> None:
    words = table("word", word="text")
    with pytest.raises(LakehouseError, match="code point"):
        compare(words, [("a",), ("Z",)], [("Z",), ("a",)])


def test_a_key_that_the_source_has_twice_is_refused() -> None:
    with pytest.raises(LakehouseError, match="no primary key"):
        compare(PAGAMENTOS, [row(1), row(1)], [row(1)])


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(LakehouseError, match="3 columns, the catalog 4"):
        compare(PAGAMENTOS, ROWS, [(1, "Ana", Decimal("1.50"))])


def test_keys_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(LakehouseError, match="types int and str"):
        compare(PAGAMENTOS, [row(1)], [("1", "Ana", Decimal("1.50"), None)])


def test_both_sides_are_read_in_step_so_that_memory_does_not_grow() -> None:
    ahead = [0, 0]

    def side(number: int) -> Iterator[Row]:
        for key in range(10_000):
            ahead[number] += 1
            assert abs(ahead[0] - ahead[1]) <= 2
            yield row(key)

    assert compare(PAGAMENTOS, side(0), side(1)).source_count == 10_000


_VALUES = st.dictionaries(st.integers(0, 30), st.sampled_from(["", "a", "b"]))


@given(_VALUES, _VALUES)
def test_the_walk_agrees_with_two_dictionaries(source: dict[int, str], lake: dict[int, str]) -> None:
    pairs = table("id", id="integer", v="text")
    proof = compare(pairs, sorted(source.items()), sorted(lake.items()))
    assert proof.missing_count == len(source.keys() - lake.keys())
    assert proof.extra_count == len(lake.keys() - source.keys())
    assert proof.different_count == sum(source[key] != lake[key] for key in source.keys() & lake.keys())
    assert proof.equal == (source == lake)
