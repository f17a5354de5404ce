"""What differs between catalog, source and lake, what of it the lake takes over, and for what a table stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lakehouse_assets.catalog import Column, PostgresType, Table, parse_type
from lakehouse_assets.catalog.columns import source_column
from lakehouse_assets.catalog.drift import Change, difference, halting, remedy, sentence
from lakehouse_assets.catalog.evolution import as_built, following, next_built, not_comparable
from lakehouse_assets.catalog.model import RETYPED, Drift
from lakehouse_assets.catalog.shape import Awaited, BuiltTable, SourceColumn, SourceShape, built_table, read_otherwise
from lakehouse_assets.catalog.types import Fit, fit
from lakehouse_assets_tests.catalog.shapes import declared, with_columns


def column(name: str, text: str) -> Column:
    kind = parse_type(text)
    assert isinstance(kind, PostgresType)
    return Column(name, kind)


PEDIDOS = Table(
    "pedidos", "public", ("id",),
    (column("id", "integer"), column("nota", "varchar(20)"), column("valor", "numeric(10,2)")), "", "", "test",
)  # fmt: skip
SOURCE = declared(PEDIDOS)
BUILT = built_table(PEDIDOS)


def changes(
    table: Table, source: SourceShape | None, built: BuiltTable | None = BUILT
) -> list[tuple[Change, str, bool]]:
    return [(d.change, d.column, d.settled) for d in difference(table, source, built)]


def followed(source: SourceShape, table: Table = PEDIDOS, built: BuiltTable = BUILT, applied: int = 7) -> BuiltTable:
    """What the lake keeps after it followed a source, with every folded message without the new columns."""
    wanted = following(table, source, built)
    lacking = {c.name: applied for c in wanted.columns if c.name not in built.columns}
    return next_built(wanted, source, built, applied, lacking)


def test_nothing_differs() -> None:
    assert changes(PEDIDOS, SOURCE) == []
    assert following(PEDIDOS, SOURCE, BUILT) == PEDIDOS
    assert followed(SOURCE) == BUILT


def test_a_source_that_could_not_be_asked_differs_in_nothing() -> None:
    assert changes(PEDIDOS, None) == []
    assert following(PEDIDOS, None, BUILT) == PEDIDOS


def test_what_the_lake_keeps_survives_its_text() -> None:
    shape = followed(replace(with_columns(SOURCE, cor="text", nota=None, valor="date"), lsn=5))
    assert shape.columns["valor"].awaits == Awaited(7, 7, 5)
    assert BuiltTable.from_json(shape.to_json()) == shape


# Added columns


def test_an_added_column_is_taken_over_as_the_catalog_would_read_it() -> None:
    source = with_columns(SOURCE, valor_multa="text")
    assert changes(PEDIDOS, source) == [(Change.ADDED, "valor_multa", False)]
    found = following(PEDIDOS, source, BUILT).column("valor_multa")
    assert (found.type.text, found.rule is not None, found.declared) == ("text", True, False)
    after = followed(source)
    assert changes(PEDIDOS, source, after) == [(Change.ADDED, "valor_multa", True)]
    # Without the source the lake's shape stays.
    assert as_built(PEDIDOS, after) == following(PEDIDOS, source, after)


def test_declaring_an_added_column_later_changes_nothing() -> None:
    source = with_columns(SOURCE, cor="text")
    after = followed(source)
    wider = replace(PEDIDOS, columns=(*PEDIDOS.columns, column("cor", "text")))
    assert changes(wider, source, after) == []
    assert read_otherwise(as_built(wider, after), after) == ()
    assert followed(source, wider, after).columns["cor"].declared


def test_a_column_that_rows_were_filled_with_waits_for_them() -> None:
    filled = replace(SOURCE, columns=(*SOURCE.columns, SourceColumn("cor", "text", filled=True)), lsn=40)
    after = followed(filled)
    assert after.columns["cor"].awaits == Awaited(7, 7, 40)
    (found,) = [d for d in difference(PEDIDOS, filled, after, {"cor": 3}) if d.change is Change.AWAITED]
    assert (found.rows, remedy(PEDIDOS, found)) == (3, "lakehouse backfill pedidos")
    plain = with_columns(SOURCE, cor="text")
    assert followed(plain).columns["cor"].awaits is None


def test_a_column_that_every_message_has_waits_for_none() -> None:
    filled = replace(SOURCE, columns=(*SOURCE.columns, SourceColumn("cor", "text", filled=True)))
    wanted = following(PEDIDOS, filled, BUILT)
    assert next_built(wanted, filled, BUILT, 7, {}).columns["cor"].awaits is None


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (SourceColumn("total", "numeric(10,2)", generated=True), "generated"),
        (SourceColumn("foto", "bit(99)"), "not supported"),
        (SourceColumn("nota__raw", "text"), "taken by a column the platform adds"),
        (SourceColumn("Nota", "text"), "the same name but for its case"),
    ],
)
def test_a_column_that_the_lake_cannot_have_is_named_with_the_reason(new: SourceColumn, why: str) -> None:
    source = replace(SOURCE, columns=(*SOURCE.columns, new))
    (found,) = difference(PEDIDOS, source, BUILT)
    assert (found.change, found.settled) == (Change.ADDED, True)
    assert why in remedy(PEDIDOS, found)
    assert following(PEDIDOS, source, BUILT) == PEDIDOS
    assert why in not_comparable(PEDIDOS, source)[new.name]


def test_an_enumeration_is_text() -> None:
    source = with_columns(SOURCE, situacao="enum")
    assert following(PEDIDOS, source, BUILT).column("situacao").type.text == "text"
    assert changes(PEDIDOS, with_columns(SOURCE, nota="enum")) == []


# Dropped and renamed columns


def test_a_dropped_column_stays_and_is_marked() -> None:
    source = with_columns(SOURCE, nota=None)
    assert changes(PEDIDOS, source) == [(Change.DROPPED, "nota", False)]
    assert following(PEDIDOS, source, BUILT) == PEDIDOS
    after = followed(source)
    assert after.columns["nota"].dropped
    assert changes(PEDIDOS, source, after) == [(Change.DROPPED, "nota", True)]
    assert not_comparable(PEDIDOS, source) == {"nota": "no longer in the source"}


def test_a_column_that_comes_back_waits_for_its_rows() -> None:
    gone = followed(with_columns(SOURCE, nota=None))
    back = followed(replace(SOURCE, lsn=9), built=gone, applied=12)
    assert (back.columns["nota"].dropped, back.columns["nota"].awaits) == (False, Awaited(12, 12, 9))


def test_a_renamed_column_is_dropped_and_added_and_waits_for_its_rows() -> None:
    source = with_columns(SOURCE, nota=None, observacao="varchar(20)")
    assert changes(PEDIDOS, source) == [(Change.DROPPED, "nota", False), (Change.ADDED, "observacao", False)]
    assert followed(source).columns["observacao"].awaits == Awaited(7, 7, 0)
    # One of another type is no other name of it.
    assert followed(with_columns(SOURCE, nota=None, dia="date")).columns["dia"].awaits is None


# Types


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("integer", "integer", Fit.HOLDS), ("smallint", "integer", Fit.GROWS), ("integer", "bigint", Fit.GROWS),
        ("bigint", "integer", Fit.HOLDS), ("integer", "numeric(10,2)", Fit.OTHER), ("integer", "text", Fit.OTHER),
        ("numeric(10,2)", "numeric(12,2)", Fit.GROWS), ("numeric(10,2)", "numeric(14,4)", Fit.GROWS),
        ("numeric(10,2)", "numeric(10,4)", Fit.OTHER), ("numeric(10,2)", "numeric(8,2)", Fit.HOLDS),
        ("numeric(10,2)", "numeric", Fit.GROWS), ("varchar(20)", "text", Fit.GROWS), ("varchar(20)", "varchar(10)", Fit.GROWS),
        ("uuid", "text", Fit.GROWS), ("text", "uuid", Fit.REWRITES), ("char(3)", "text", Fit.REWRITES),
        ("json", "jsonb", Fit.REWRITES), ("text", "date", Fit.OTHER), ("date", "timestamp", Fit.OTHER),
        ("time(3)", "time", Fit.OTHER), ("time(4)", "time", Fit.GROWS), ("time", "text", Fit.OTHER),
        ("timestamp(3)", "timestamp(6)", Fit.OTHER), ("timestamp(4)", "timestamp(6)", Fit.GROWS),
        ("timestamptz(0)", "timestamptz", Fit.GROWS), ("real", "double precision", Fit.OTHER), ("boolean", "text", Fit.OTHER),
    ],
)  # fmt: skip
def test_a_type_grows_only_where_no_value_and_no_message_changes(before: str, after: str, found: Fit) -> None:
    assert fit(column("c", before).type, column("c", after).type) is found


def test_a_type_that_grew_is_taken_over() -> None:
    source = with_columns(SOURCE, id="bigint", valor="numeric(12,2)")
    assert changes(PEDIDOS, source) == [(Change.WIDENED, "id", False), (Change.WIDENED, "valor", False)]
    wanted = following(PEDIDOS, source, BUILT)
    assert [(c.name, c.type.text) for c in wanted.columns] == [
        ("id", "bigint"), ("nota", "varchar(20)"), ("valor", "numeric(12,2)"),
    ]  # fmt: skip
    after = followed(source)
    assert changes(PEDIDOS, source, after) == [(Change.WIDENED, "id", True), (Change.WIDENED, "valor", True)]
    assert as_built(PEDIDOS, after) == wanted
    assert not_comparable(wanted, source) == {}


def test_a_column_whose_messages_cannot_be_read_is_held_back() -> None:
    source = with_columns(SOURCE, valor="date")
    assert changes(PEDIDOS, source) == [(Change.RETYPED, "valor", False)]
    assert following(PEDIDOS, source, BUILT).column("valor").encoding == RETYPED
    after = followed(source)
    assert as_built(PEDIDOS, after).column("valor").encoding == RETYPED
    assert changes(PEDIDOS, source, after) == [(Change.RETYPED, "valor", False)]
    assert list(not_comparable(PEDIDOS, source)) == ["valor"]
    # Back at the source: it is read again. Corrected in the catalog: a person rebuilds.
    assert following(PEDIDOS, SOURCE, after).column("valor").encoding is None
    corrected = replace(PEDIDOS, columns=(*PEDIDOS.columns[:2], column("valor", "date")))
    assert changes(corrected, source, after) == [(Change.RULES, "valor", False)]


def test_bytes_of_another_scale_cannot_be_read() -> None:
    precise = replace(PEDIDOS, decimals="precise")
    found = source_column(replace(precise, columns=()), "valor", "numeric(10,2)")
    assert isinstance(found, Column)
    table = replace(precise, columns=(*PEDIDOS.columns[:2], found))
    assert changes(table, with_columns(SOURCE, valor="numeric(14,4)"), built_table(table)) == [
        (Change.RETYPED, "valor", False)
    ]


# The table as a whole


def test_a_changed_key_stops_the_table_under_every_policy() -> None:
    source = replace(SOURCE, key=("id", "nota"))
    for policy in Drift:
        table = replace(PEDIDOS, drift=policy)
        (found,) = halting(table, difference(table, source, BUILT))
        assert sentence(table, found) == "the primary key is (id, nota) in the source, (id) in the catalog"
        assert "key = ['id', 'nota']" in remedy(table, found)
    assert halting(PEDIDOS, difference(PEDIDOS, replace(SOURCE, key=()), BUILT)) != ()


def test_a_key_that_catalog_and_source_agree_on_is_taken_over_and_its_rows_awaited() -> None:
    table, source = replace(PEDIDOS, key=("id", "nota")), replace(SOURCE, key=("id", "nota"), lsn=3)
    assert changes(table, source) == [(Change.REKEYED, "", False)]
    assert halting(table, difference(table, source, BUILT)) == ()
    after = followed(source, table)
    assert (after.key, after.columns["nota"].awaits, after.columns["valor"].awaits) == (
        table.key,
        Awaited(7, 7, 3),
        None,
    )
    assert changes(table, source, after) == []


def test_a_table_that_is_gone_or_not_published() -> None:
    assert changes(PEDIDOS, SourceShape((), ())) == [(Change.NO_TABLE, "", False)]
    assert changes(PEDIDOS, replace(SOURCE, published=False)) == [(Change.UNPUBLISHED, "", False)]
    assert following(PEDIDOS, SourceShape((), ()), BUILT) == PEDIDOS


def test_a_frozen_table_keeps_its_shape_and_says_what_differs() -> None:
    frozen = replace(PEDIDOS, drift=Drift.FREEZE)
    source = with_columns(SOURCE, cor="text", id="bigint")
    assert changes(frozen, source) == [(Change.WIDENED, "id", False), (Change.ADDED, "cor", False)]
    assert following(frozen, source, BUILT) == frozen
    assert halting(frozen, difference(frozen, source, BUILT)) == ()
    assert not_comparable(frozen, source) == {"cor": "not in the catalog, and drift is freeze"}
    # A column whose messages are of another type is held back here too: its values would be wrong.
    assert following(frozen, with_columns(SOURCE, valor="date"), BUILT).column("valor").encoding == RETYPED


@pytest.mark.parametrize("types", [{"cor": "text"}, {"nota": None}, {"id": "bigint"}, {"valor": "date"}])
def test_a_table_that_fails_stops_for_each_difference(types: dict[str, str | None]) -> None:
    strict = replace(PEDIDOS, drift=Drift.FAIL)
    source = with_columns(SOURCE, **types)
    assert [d.column for d in halting(strict, difference(strict, source, BUILT))] == list(types)
    assert halting(PEDIDOS, difference(PEDIDOS, source, BUILT)) == ()


def test_a_column_newly_in_the_catalog_stops_nothing() -> None:
    strict = replace(PEDIDOS, drift=Drift.FAIL, columns=(*PEDIDOS.columns, column("cor", "text")))
    source = declared(strict)
    assert changes(strict, source) == [(Change.ADDED, "cor", False)]
    assert halting(strict, difference(strict, source, BUILT)) == ()


def test_a_rule_that_the_catalog_changed_is_for_a_person() -> None:
    other = replace(PEDIDOS, columns=(*PEDIDOS.columns[:2], column("valor", "numeric(12,2)")))
    assert changes(other, declared(other)) == [(Change.RULES, "valor", False)]
