"""A table that differs from its source comes back: from raw, by single rows, and by a new snapshot of it alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deltalake import DeltaTable

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.end_to_end.conftest import Words
from lakehouse_assets_tests.stack.waiting import eventually

pytestmark = pytest.mark.stack

FIRST, LAST = 70_001, 70_060  # moradores that these tests add
MANY = LAST - FIRST + 1


@pytest.fixture
def mended(words: Words) -> Iterator[Words]:
    """The shared stack; a table that a failed test left damaged gets a new generation."""
    yield words
    for table in ("moradores", "transacoes"):
        if words.source(f"select 1 from {table} limit 1") and words.verdict(table) == "different":
            words.run("backfill", table)


@contextmanager
def unpublished(words: Words, table: str) -> Iterator[None]:
    """What is committed to the table meanwhile reaches no slot: an event that never arrived."""
    admin = str(words.stack.links.owner_dsn)
    publication = words.stack.catalog.publication
    postgres.execute(admin, f"alter publication {publication} drop table {table}")
    try:
        yield
    finally:
        postgres.execute(admin, f"alter publication {publication} add table {table}")


def transformed(words: Words, table: str) -> DeltaTable:
    return DeltaTable(str(LakePaths(words.stack.settings.lake).transformed(table)))


def snapshot_rows(words: Words) -> dict[str, int]:
    """Rows in raw that a snapshot of any kind sent, by table."""
    counted = words.rows("SELECT table_name AS t, count(*) AS n FROM raw WHERE op = 'snapshot' GROUP BY ALL")
    return {row["t"]: row["n"] for row in counted}


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: count - before.get(table, 0) for table, count in after.items() if count != before.get(table, 0)}


def test_what_was_done_to_the_lake_by_hand_is_undone_from_raw_and_refined_follows(mended: Words) -> None:
    mended.source("insert into transacoes (imovel_id, morador_id, data_transacao, valor_transacao) "
                  "select min(imovel_id), (select min(morador_id) from moradores), '2026-01-31', 2.50 from imoveis")  # fmt: skip
    mended.settle()
    total = "SELECT sum(valor_total_transacoes) AS total FROM refined.valor_total_por_morador"
    (before,), asked = mended.rows(total), snapshot_rows(mended)
    table = transformed(mended, "transacoes")
    table.update(updates={"valor_transacao": "valor_transacao + 1000"}, predicate="transacao_id > 0")
    mended.run("run", "refined/valor_total_por_morador")
    assert mended.rows(total) != [before]
    table = transformed(mended, "moradores")
    keys = [row["morador_id"] for row in mended.rows("SELECT morador_id FROM transformed.moradores ORDER BY 1 LIMIT 2")]
    table.delete(f"morador_id = {keys[0]}")
    assert "different" in mended.run("verify", "moradores", "transacoes", code=3).stdout
    assert "1 rows differed, 0 do now" in mended.run("repair", "moradores", "--yes").stdout
    assert "0 do now" in mended.run("repair", "transacoes", "--yes").stdout
    assert "nothing to repair" in mended.run("repair", "transacoes", "--yes").stdout
    eventually(lambda: mended.rows(total) == [before], 120)
    assert grown(asked, snapshot_rows(mended)) == {}


def test_rows_whose_events_never_arrived_are_asked_for_again_one_by_one(mended: Words) -> None:
    with unpublished(mended, "moradores"):
        mended.source(
            "insert into moradores (morador_id, nome, condominio_id, data_registro) select i, 'Ana ' || i, "
            f"(select min(condominio_id) from condominios), '2026-01-31' from generate_series({FIRST}, {LAST}) i"
        )
    before = snapshot_rows(mended)
    only = ["--keys", str(FIRST), "--keys", str(FIRST + 1)]
    assert f"{MANY} rows differed, {MANY - 2} do now" in mended.run("repair", "moradores", "--yes", *only).stdout
    assert grown(before, snapshot_rows(mended)) == {"moradores": 2}
    assert "0 do now" in mended.run("repair", "moradores", "--yes").stdout
    assert grown(before, snapshot_rows(mended)) == {"moradores": MANY}


def test_rows_deleted_without_an_event_leave_with_a_new_generation_of_that_table_alone(mended: Words) -> None:
    with unpublished(mended, "moradores"):
        mended.source(f"delete from moradores where morador_id between {FIRST} and {LAST}")
    refused = mended.run("repair", "moradores", "--yes", "--keys", str(LAST), code=2)
    assert "neither missing nor different" in refused.stderr
    before = snapshot_rows(mended)
    done = mended.run("repair", "moradores", "--yes")
    assert "0 do now" in done.stdout
    assert "snapshot of the whole table" in done.stderr
    assert set(grown(before, snapshot_rows(mended))) == {"moradores"}


def test_a_table_emptied_without_an_event_is_told_what_empties_the_lakes(mended: Words) -> None:
    with unpublished(mended, "transacoes"):
        mended.source("delete from transacoes")
    refused = mended.run("repair", "transacoes", "--yes", code=1)
    assert "truncate public.transacoes" in refused.stderr
    mended.source("truncate transacoes")
    mended.settle()


def test_a_backfill_is_a_new_generation_of_one_table(mended: Words) -> None:
    before = snapshot_rows(mended)
    (rows,) = mended.source("select count(*) from moradores")[0]
    assert f"moradores: {rows} rows, equal" in mended.run("backfill", "moradores").stdout
    assert grown(before, snapshot_rows(mended)) == {"moradores": rows}
    mended.settle()  # the other tables are as they were


def test_what_cannot_be_repaired_is_told(mended: Words) -> None:
    assert "no such table" in mended.run("repair", "nada", code=2).stderr
    assert "no such table" in mended.run("backfill", "nada", code=2).stderr
    assert "the key has 1 parts" in mended.run("repair", "moradores", "--keys", "1,2", code=2).stderr
    down = mended.run("repair", "moradores", code=1, LAKEHOUSE_SOURCE_DSN="postgresql://nobody:secret@127.0.0.1:1/x")
    assert "does not answer" in down.stderr
