"""The walk finds every difference, keeps keys and column names only, and refuses what it cannot prove."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.catalog import Table
from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets.proof import Difference, Row, TableProof, compare, comparison
from lakehouse_assets_tests.proof.tables import table

PAGAMENTOS = table("id", id="integer", nome="text", valor="numeric(15,2)", dia="date")


def compared(wanted: Table, source: Iterable[Row], lake: Iterable[Row]) -> TableProof:
    proof = TableProof(wanted.name)
    compare(comparison(wanted), proof, source, lake)
    return proof


def row(number: str, nome: str | None = "Ana", valor: str | None = "1.50", dia: str | None = "2026-01-31") -> Row:
    return number, nome, valor, dia


ROWS = [row("1"), row("2", "", "0.00", None), row("3", None, None), row("5", "é", "-10.00")]


def test_equal_rows_are_equal() -> None:
    proof = compared(PAGAMENTOS, iter(ROWS), iter(list(ROWS)))
    assert proof.equal
    assert proof.verdict == "equal"
    assert proof.missing == proof.extra == proof.different == []


def test_two_empty_sides_are_equal() -> None:
    assert compared(PAGAMENTOS, [], []).equal


# Each spoils a copy of ROWS as a wrong lake would be: missing, extra keys, keys of rows that differ and in what.
SPOILT: list[tuple[str, Callable[[list[Row]], object], list[str], list[str], dict[str, tuple[str, ...]]]] = [
    ("the first row is missing", lambda rows: rows.pop(0), ["1"], [], {}),
    ("the last row is missing", lambda rows: rows.pop(), ["5"], [], {}),
    ("every row is missing", lambda rows: rows.clear(), ["1", "2", "3", "5"], [], {}),
    ("a row before all is extra", lambda rows: rows.insert(0, row("0")), [], ["0"], {}),
    ("a row behind all is extra", lambda rows: rows.append(row("9")), [], ["9"], {}),
    ("a row is there twice", lambda rows: rows.insert(1, rows[0]), [], ["1"], {}),
    ("the last row is there three times", lambda rows: rows.extend([rows[-1]] * 2), [], ["5", "5"], {}),
    ("a row has another key", lambda rows: rows.__setitem__(2, row("4", None, None)), ["3"], ["4"], {}),
    ("a text is altered", lambda rows: rows.__setitem__(0, row("1", "Ane")), [], [], {"1": ("nome",)}),
    ("NULL has become empty", lambda rows: rows.__setitem__(2, row("3", "", None)), [], [], {"3": ("nome",)}),
    ("empty has become NULL", lambda rows: rows.__setitem__(1, row("2", None, "0.00", None)), [], [], {"2": ("nome",)}),
    ("é is two code points", lambda rows: rows.__setitem__(3, row("5", "e\u0301", "-10.00")), [], [], {"5": ("nome",)}),
    ("a decimal is shifted", lambda rows: rows.__setitem__(0, row("1", valor="15.00")), [], [], {"1": ("valor",)}),
    ("a decimal lost its scale", lambda rows: rows.__setitem__(0, row("1", valor="1.5")), [], [], {"1": ("valor",)}),
    (
        "two columns are swapped",
        lambda rows: rows.__setitem__(0, ("1", ROWS[0][2], ROWS[0][1], ROWS[0][3])),
        [],
        [],
        {"1": ("nome", "valor")},
    ),
]


@pytest.mark.parametrize(
    ("spoil", "missing", "extra", "different"), [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT]
)
def test_a_lake_that_is_wrong_is_found_out(
    spoil: Callable[[list[Row]], object], missing: list[str], extra: list[str], different: dict[str, tuple[str, ...]]
) -> None:
    lake = list(ROWS)
    spoil(lake)
    proof = compared(PAGAMENTOS, ROWS, lake)
    assert proof.verdict == "different"
    assert proof.missing == [(key,) for key in missing]
    assert proof.extra == [(key,) for key in extra]
    assert proof.different == [Difference((key,), columns) for key, columns in different.items()]


def test_a_proof_keeps_a_thousand_of_a_kind_and_counts_the_rest() -> None:
    source = [row(f"{number:06}") for number in range(3000)]
    lake = [row(f"{number:06}", "x") for number in range(1500)] + [row(f"{number:06}") for number in range(3000, 4200)]
    proof = compared(PAGAMENTOS, source, lake)
    assert (proof.missing_count, proof.extra_count, proof.different_count) == (1500, 1200, 1500)
    assert len(proof.missing) == len(proof.extra) == len(proof.different) == 1000


def test_a_proof_never_shows_a_value() -> None:
    proof = compared(PAGAMENTOS, [row("1", "segredo", "77.77")], [row("1", "sigilo", "88.88")])
    assert not any(value in repr(proof) for value in ("segredo", "sigilo", "77.77", "88.88"))


def test_keys_of_several_columns_are_walked_in_the_keys_order_not_the_tables() -> None:
    double = table("b", "a", a="integer", b="text")
    rows: list[Row] = [("10", "x"), ("2", "x"), ("1", "y"), ("1", "é")]
    assert compared(double, rows, rows).equal
    assert compared(double, rows, rows[:2] + rows[3:]).missing == [("y", "1")]


@pytest.mark.parametrize("side", ["source", "lake"])
@pytest.mark.parametrize("disorder", [[row("2"), row("1")], [row("1"), row("3"), row("2")]])
def test_rows_out_of_order_prove_nothing(side: str, disorder: list[Row]) -> None:
    sides = {"source": ROWS, "lake": ROWS} | {side: disorder}
    with pytest.raises(LakehouseError, match="not in key order") as raised:
        compared(PAGAMENTOS, sides["source"], sides["lake"])
    assert raised.value.exit_code == EXIT_DATA
    assert raised.value.where == f"{side} pagamentos"


def test_a_key_that_the_source_has_twice_is_refused() -> None:
    with pytest.raises(LakehouseError, match="no primary key"):
        compared(PAGAMENTOS, [row("1"), row("1")], [row("1")])


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(LakehouseError, match="has 3 columns, 4 are compared"):
        compared(PAGAMENTOS, ROWS, [("1", "Ana", "1.50")])


def test_both_sides_are_read_in_step_so_that_memory_does_not_grow() -> None:
    ahead = [0, 0]

    def side(number: int) -> Iterator[Row]:
        for key in range(10_000):
            ahead[number] += 1
            assert abs(ahead[0] - ahead[1]) <= 2
            yield row(f"{key:06}")

    assert compared(PAGAMENTOS, side(0), side(1)).equal


_VALUES = st.dictionaries(st.sampled_from([chr(c) for c in range(97, 117)]), st.sampled_from([None, "", "a", "b"]))


@given(_VALUES, _VALUES)
def test_the_walk_agrees_with_two_dictionaries(source: dict[str, str | None], lake: dict[str, str | None]) -> None:
    pairs = table("id", id="text", v="text")
    proof = compared(pairs, sorted(source.items()), sorted(lake.items()))
    assert proof.missing_count == len(source.keys() - lake.keys())
    assert proof.extra_count == len(lake.keys() - source.keys())
    assert proof.different_count == sum(source[key] != lake[key] for key in source.keys() & lake.keys())
    assert proof.equal == (source == lake)
