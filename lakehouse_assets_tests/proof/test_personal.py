"""Personal data in free text is found by its form and its check digits, wherever it stands, and nothing else is."""

from __future__ import annotations

import random
import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.catalog.columns import PERSONAL
from lakehouse_assets.proof.personal import FORMS, kinds

NOTHING = frozenset[str]()


def cpf(nine: str) -> str:
    """Nine digits and the two check digits, worked out as the tax office describes it."""
    digits = [int(c) for c in nine]
    for _ in range(2):
        total = sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
        digits.append(0 if total % 11 < 2 else 11 - total % 11)
    return "".join(map(str, digits))


def cnpj(twelve: str) -> str:
    digits = [int(c) for c in twelve]
    for _ in range(2):
        weights = [2 + place % 8 for place in range(len(digits))][::-1]
        total = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
        digits.append(0 if total % 11 < 2 else 11 - total % 11)
    return "".join(map(str, digits))


FOUND = [
    ("529.982.247-25", {"cpf"}),
    ("52998224725", {"cpf"}),
    ("529982247-25", {"cpf"}),
    ("529.982.24725", {"cpf"}),
    ("CPF: 529.982.247-25.", {"cpf"}),
    ("pago por Ana (529.982.247-25), em dia", {"cpf"}),
    ("cpf52998224725x", {"cpf"}),
    ("linha\n529.982.247-25\nlinha", {"cpf"}),
    ("111.111.111-11 e 529.982.247-25", {"cpf"}),
    ("529.982.247-26; 529.982.247-25", {"cpf"}),
    ("000.000.001-91", {"cpf"}),
    ("11.222.333/0001-81", {"cnpj"}),
    ("11222333000181", {"cnpj"}),
    ("CNPJ 11.222.333/0001-81", {"cnpj"}),
    ("ana@exemplo.com.br", {"email"}),
    ("Ana <ana.b+c_d%e-f@sub.exemplo.com>", {"email"}),
    ("(11) 98765-4321", {"phone"}),
    ("(11)98765-4321", {"phone"}),
    ("(11) 3456-7890", {"phone"}),
    ("+55 (11) 98765-4321", {"phone"}),
    ("+5511987654321", {"phone"}),
    ("+55 11 98765-4321", {"phone"}),
    ("529.982.247-25, 11.222.333/0001-81, ana@exemplo.com, (11) 98765-4321", {"cpf", "cnpj", "email", "phone"}),
]
NOT_FOUND = [
    "", "-", "31/01/2024", "R$ 1.234,56", "apto 101",
    "529.982.247-26", "529.982.247-15", "52998224724", "000.000.001-92",
    *(str(digit) * 11 for digit in range(10)), *(str(digit) * 14 for digit in range(10)), "111.111.111-11",
    "152998224725", "529982247251", "0529.982.247-25", "529.982.247-250", "5299 8224725", "529/982/247-25", "529.982.247.25",
    "11.222.333/0001-82", "11222333000171", "111222333000181", "112223330001810", "11-222-333/0001-81",
    "34191790010104351004791020150008291070026000",
    "ana@exemplo", "ana@", "@exemplo.com", "ana exemplo.com", "a@.com",
    "98765-4321", "11 98765-4321", "11987654321", "(01) 98765-4321", "(11) 9876-43210", "+1 212 555 0100", "(11) 98765 4321",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_personal_data_is_found_wherever_it_stands(text: str, expected: set[str]) -> None:
    assert kinds(text, NOTHING) == expected


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    assert kinds(text, NOTHING) == set()


@pytest.mark.parametrize("between", [" ", ";", "-", "/", ", ", "\n", "|"])
def test_every_number_of_a_list_is_looked_at(between: str) -> None:
    wrong, right = "529.982.247-26", "529.982.247-25"
    assert kinds(between.join([wrong, wrong, right]), NOTHING) == {"cpf"}
    assert kinds(between.join([wrong, right, wrong]), NOTHING) == {"cpf"}
    assert kinds(between.join([right, wrong]), NOTHING) == {"cpf"}
    assert kinds(between.join([wrong, wrong]), NOTHING) == set()


def test_every_kind_that_can_be_declared_has_a_form() -> None:
    assert set(FORMS) == set(PERSONAL)


def test_what_a_column_is_declared_to_hold_is_not_told() -> None:
    text = "529.982.247-25, 11.222.333/0001-81, ana@exemplo.com, (11) 98765-4321"
    assert kinds(text, frozenset({"cpf"})) == {"cnpj", "email", "phone"}
    assert kinds(text, frozenset({"email", "phone"})) == {"cpf", "cnpj"}
    assert kinds(text, frozenset(PERSONAL)) == set()


@given(st.text("0123456789", min_size=9, max_size=9).filter(lambda nine: len(set(nine)) > 1))
def test_of_all_check_digits_only_the_right_ones_make_a_cpf(nine: str) -> None:
    right = cpf(nine)
    assert [f"{nine}{i:02}" for i in range(100) if kinds(f"{nine}{i:02}", NOTHING)] == [right]


@given(st.text("0123456789", min_size=12, max_size=12).filter(lambda twelve: len(set(twelve)) > 1))
def test_of_all_check_digits_only_the_right_ones_make_a_cnpj(twelve: str) -> None:
    right = cnpj(twelve)
    assert [f"{twelve}{i:02}" for i in range(100) if kinds(f"{twelve}{i:02}", NOTHING)] == [right]


def test_the_lakes_engine_finds_the_same_candidates() -> None:
    """The forms are searched for by DuckDB first: none that Python would find may be missed there."""
    draw = random.Random(1)
    pieces = [text for text, _ in FOUND] + NOT_FOUND
    texts = pieces + ["".join(draw.choices(pieces + list(" .-/,;\n"), k=4)) for _ in range(2000)]
    connection = duckdb.connect()
    for form in FORMS.values():
        asked = connection.execute("SELECT regexp_matches(t, ?) FROM (SELECT unnest(?) AS t)", [form, texts]).fetchall()
        assert [found for (found,) in asked] == [bool(re.search(form, text)) for text in texts]
