"""Why a row is as it is, over a real source and a lake made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress.explain import Explanation, explain
from lakehouse_assets_tests.progress import copied_lake
from lakehouse_assets_tests.proof.tables import table
from lakehouse_assets_tests.real_postgres import Source, new_source, running_postgres

PAGAMENTOS = table("id", id="integer", nome="text", valor="numeric(15,2)", f="double precision", dia="date")
PARCELAS = table("pagamento", "c", "dia", name="parcelas", pagamento="integer", c="char(4)", dia="date", v="integer")


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with running_postgres() as dsn:
        source = new_source(dsn)
        source.bootstrap(replace(source.catalog, tables=(PAGAMENTOS, PARCELAS)))
        postgres.execute(
            source.application,
            """insert into pagamentos values (7, 'Ana [b]', 1.50, 0.1, 'infinity'), (-8, '', 0, null, null);
               insert into parcelas values (7, 'ab', '2026-01-31', 1)""",
        )
        yield source


@pytest.fixture
def paths(source: Source, tmp_path: Path) -> LakePaths:
    paths = LakePaths(tmp_path)
    for wanted in (PAGAMENTOS, PARCELAS):
        copied_lake.copy(source.application, wanted, paths, 20)
    return paths


def explained(source: Source, paths: LakePaths, *parts: str, name: str = "pagamentos") -> Explanation:
    catalog = replace(source.catalog, tables=(PAGAMENTOS, PARCELAS))
    return explain(catalog, paths, source.application, name, parts)


def land(paths: LakePaths, wanted: Table, *changes: tuple[int, str, int], key: object = None) -> None:
    for position, op, tx_id in changes:
        row = {"position": position, "op": op, "tx_id": tx_id, "lsn": (1 << 32) + tx_id, "key": key}
        after = "null" if op == "delete" else '{"id": 7, "nome": "Ana", "valor": "1.5", "dia": 20484}'
        copied_lake.land(paths, wanted, row | {"value": f'{{"after": {after}}}'})


def test_every_event_of_the_key_is_told_in_order_with_its_fate(source: Source, paths: LakePaths) -> None:
    land(paths, PAGAMENTOS, (3, "update", 12), (1, "insert", 10), (2, "update", 11), (4, "update", 12), key={"id": 7})
    land(paths, PAGAMENTOS, (5, "truncate", 13))
    land(paths, PAGAMENTOS, (6, "insert", 14), (21, "update", 15), key={"id": 7})
    land(paths, PAGAMENTOS, (7, "insert", 16), key={"id": 70})
    found = explained(source, paths, "7")
    assert [(e.position, e.op, str(e.fate), e.by) for e in found.events] == [
        (1, "insert", "overtaken", 2), (2, "update", "overtaken", 3), (3, "update", "truncated", 5),
        (4, "update", "replay", 3), (6, "insert", "applied", None), (21, "update", "not folded yet", None),
    ]  # fmt: skip
    first = found.events[0]
    assert (first.lsn, first.tx_id, first.snapshot) == ("1/A", 10, False)
    assert "table_name=pagamentos/op=insert" in first.file
    assert Path(first.file).exists()
    assert found.applied == 20


def test_the_row_is_shown_at_every_stage_and_what_differs_is_marked(source: Source, paths: LakePaths) -> None:
    land(paths, PAGAMENTOS, (1, "insert", 10), key={"id": 7})
    rows = copied_lake.rows(PAGAMENTOS, paths)
    copied_lake.write(PAGAMENTOS, paths, [row | {"nome": "Ane"} if row["id"] == 7 else row for row in rows], 20)
    found = explained(source, paths, "7")
    cells = {cell.column: (cell.raw, cell.transformed, cell.source, cell.same) for cell in found.cells}
    assert cells == {
        "id": ("7", "7", "7", True), "nome": ("Ana", "Ane", "Ana [b]", False), "valor": ("1.5", "1.50", "1.50", True),
        "f": (None, "0.1", "0.1", True), "dia": ("20484", None, "infinity", True),
    }  # fmt: skip
    assert (found.in_transformed, found.in_source, found.key) == (1, True, {"id": "7"})


def test_a_key_change_names_its_other_half(source: Source, paths: LakePaths) -> None:
    land(paths, PAGAMENTOS, (1, "delete", 10), key={"id": 7})
    land(paths, PAGAMENTOS, (2, "insert", 10), key={"id": 9})
    assert [e.moved for e in explained(source, paths, "7").events] == ['{"id": 9}']
    assert [e.moved for e in explained(source, paths, "9").events] == ['{"id": 7}']


def test_keys_of_several_parts_and_negative_ones_are_found(source: Source, paths: LakePaths) -> None:
    land(paths, PARCELAS, (1, "insert", 10), key={"pagamento": 7, "c": "ab  ", "dia": 20484})
    found = explained(source, paths, "7", "ab", "2026-01-31", name="parcelas")
    assert [e.position for e in found.events] == [1]
    assert (found.in_transformed, found.in_source) == (1, True)
    assert explained(source, paths, "-8").in_transformed == 1


def test_a_row_that_is_there_twice_is_noted(source: Source, paths: LakePaths) -> None:
    rows = copied_lake.rows(PAGAMENTOS, paths)
    copied_lake.write(PAGAMENTOS, paths, [*rows, rows[0]], 20)
    found = explained(source, paths, str(rows[0]["id"]))
    assert found.in_transformed == 2
    assert found.notes == ["transformed holds 2 rows of this key"]


def test_a_source_that_is_down_is_a_note(source: Source, paths: LakePaths) -> None:
    down = replace(source, application="host=127.0.0.1 port=1 user=x dbname=y")
    found = explained(down, paths, "7")
    assert found.in_source is None
    assert found.known
    assert "does not answer" in found.notes[0]


def test_a_key_that_never_was_is_not_known(source: Source, paths: LakePaths) -> None:
    assert not explained(source, paths, "12345").known


@pytest.mark.parametrize(
    ("name", "parts", "told"),
    [
        ("pagamento", ["7"], "no such table"), ("pagamentos", ["sete"], "'sete' is no integer"),
        ("pagamentos", ["7", "8"], r"has 1 parts \(id\), 2 were given"), ("parcelas", ["7"], "has 3 parts"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(source: Source, paths: LakePaths, name: str, parts: list[str], told: str) -> None:
    with pytest.raises(LakehouseError, match=told) as raised:
        explained(source, paths, *parts, name=name)
    assert raised.value.exit_code == EXIT_USAGE
