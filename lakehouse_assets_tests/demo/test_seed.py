"""The seed is plausible, the same everywhere, and never written over what is there."""

from __future__ import annotations

import pytest

from lakehouse_assets.demo import seed
from lakehouse_assets.demo.seed import ROWS
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.demo.tables import contents, counts
from lakehouse_assets_tests.real_postgres import new_source


@pytest.mark.parametrize("scale", [1, 3])
def test_a_seed_fills_the_tables_with_so_many_rows_and_says_so(dsn: str, scale: int) -> None:
    said: list[str] = []
    written = seed(dsn, scale, said.append)
    assert written == counts(dsn) == {table: rows * scale for table, rows in ROWS.items()}
    assert said[0] == f"condominios: {12 * scale} rows"


def test_two_databases_get_the_same_rows(dsn: str, admin_dsn: str) -> None:
    other = new_source(admin_dsn).application
    seed(dsn)
    seed(other)
    assert contents(dsn) == contents(other)


def test_a_second_seed_does_nothing_and_says_so(dsn: str) -> None:
    seed(dsn)
    before, said = contents(dsn), []
    assert seed(dsn, 2, said.append) == dict.fromkeys(ROWS, 0)
    assert contents(dsn) == before
    assert "already hold rows" in said[0]


def test_one_row_is_enough_for_the_seed_to_keep_its_hands_off(dsn: str) -> None:
    postgres.execute(dsn, "insert into condominios (nome, endereco) values ('a', 'b')")
    assert sum(seed(dsn).values()) == 0


def test_seeding_again_empties_the_tables_first(dsn: str) -> None:
    seed(dsn)
    before = contents(dsn)
    postgres.execute(dsn, "delete from transacoes; update condominios set nome = 'x'")
    seed(dsn, again=True)
    assert contents(dsn) == before


def test_new_rows_get_numbers_behind_the_seeds(dsn: str) -> None:
    seed(dsn)
    insert = "insert into condominios (nome, endereco) values ('a', 'b') returning condominio_id"
    assert postgres.execute(dsn, insert) == [(13,)]


def test_a_payment_is_made_by_somebody_who_lives_where_the_property_is(dsn: str) -> None:
    seed(dsn)
    elsewhere = """select count(*) from transacoes join imoveis using (imovel_id) join moradores m using (morador_id)
                   where imoveis.condominio_id <> m.condominio_id"""
    assert postgres.execute(dsn, elsewhere) == [(0,)]


def test_values_are_plausible(dsn: str) -> None:
    seed(dsn)
    ((kinds, least, most),) = postgres.execute(dsn, "select count(distinct tipo), min(valor), max(valor) from imoveis")
    assert kinds == 6
    assert 20_000 < least < most < 5_000_000
    years = "select max(data_transacao) - min(data_transacao) > 4 * 365, min(valor_transacao) > 0 from transacoes"
    assert postgres.execute(dsn, years) == [(True, True)]


@pytest.mark.parametrize("scale", [0, -1, 100_001, 1.5])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(ConfigurationError, match="scale"):
        seed("postgresql://127.0.0.1:1/never-asked", scale)


def test_a_database_without_the_tables_gets_a_clear_answer(admin_dsn: str) -> None:
    with pytest.raises(LakehouseError, match="does not exist") as raised:
        seed(admin_dsn)
    assert "01_tables.sql" in raised.value.next_step
