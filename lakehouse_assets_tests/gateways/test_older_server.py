"""A server that is older than the embedded one, as many sources are: everything that is asked of it can be answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakehouse_assets.gateways import postgres
from lakehouse_assets.gateways.postgres import REPLICATION_ROLE, source_problems
from lakehouse_assets.progress.discovery import discover
from lakehouse_assets_tests.real_postgres import Source, new_source, older_postgres


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with older_postgres() as dsn:
        yield new_source(dsn)


def problems(source: Source) -> list[str]:
    return [problem.text for problem in source_problems(source.replication, source.catalog)]


def test_it_is_ready_and_a_publication_that_is_narrowed_is_told(source: Source) -> None:
    assert problems(source) == []
    kept = "moradores, imoveis, transacoes, boletos, lakehouse.heartbeat, lakehouse.signal"
    for narrowed in ("condominios (condominio_id, nome)", "condominios where (condominio_id > 1)"):
        postgres.execute(source.admin, f"alter publication lakehouse set table {narrowed}, {kept}")
        assert problems(source) == ["publication lakehouse filters rows or columns of public.condominios"]
    postgres.execute(source.admin, f"alter publication lakehouse set table condominios, {kept}")
    assert problems(source) == []


def test_a_slot_is_read_and_a_lost_one_is_told(source: Source) -> None:
    slot = source.catalog.slot
    assert not postgres.slot_state(source.admin, slot).exists
    postgres.execute(source.admin, f"select pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    state = postgres.slot_state(source.admin, slot)
    assert (state.exists, state.lost, state.invalidation_reason) == (True, False, None)
    for _ in range(8):  # 16 MB each; the test server keeps 64 MB for a slot
        postgres.execute(source.admin, "select pg_logical_emit_message(false, 'test', 'x'); select pg_switch_wal()")
    postgres.execute(source.admin, "checkpoint")
    assert postgres.slot_state(source.admin, slot).lost
    assert [problem for problem in problems(source) if "is lost" in problem]


def test_a_vector_is_left_out_and_its_table_is_not(source: Source) -> None:
    postgres.execute(
        source.admin,
        "create extension vector; create schema busca; create table busca.textos (id int primary key, texto text, "
        f"sinais bit(12), lugar vector(3)); grant usage on schema busca to {REPLICATION_ROLE}; "
        f"grant select on busca.textos to {REPLICATION_ROLE}",
    )
    (found,) = discover(source.replication, source.catalog, ("busca",), (), print).proposals
    assert list(found.section["columns"]) == ["id", "texto", "sinais"]
    (left,) = found.left
    assert left.place == "busca.textos.lugar"
    assert "do not tell an unchanged long value from NULL" in left.reason
