"""Changes of every kind, made at a real PostgreSQL, found in the lake through the sensor."""

from __future__ import annotations

import json
import random
import string
from decimal import Decimal

import pytest

from lakehouse_assets.engine import brake
from lakehouse_assets.gateways import kafka
from lakehouse_assets_tests.end_to_end.conftest import Words
from lakehouse_assets_tests.stack.waiting import eventually

pytestmark = pytest.mark.stack

# More than a page and not compressible, so that PostgreSQL stores it out of line (TOAST).
LONG = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=20_000))


BAD = [
    b"no json",
    b"",
    b"[1, 2]",
    b'{"op": "z"}',
    b"\xff\xfe\x00",
    b'{"op":"c","after":{},"source":{"table":"other"}}',
]


@pytest.fixture(scope="module")
def arrived(filling: Words) -> Words:
    """Mixed traffic and changes of every kind in one go, and all of them in the lake, with the rows from before."""
    filling.run("simulate", "--rate", "100", "--seconds", "5", "--seed", "3")
    filling.source(
        "insert into condominios (condominio_id, nome, endereco) values (9001, 'Condomínio Ação', 'Rua ❤ 1')"
    )
    filling.source(f"insert into condominios (condominio_id, nome, endereco) values (9002, 'Longo', '{LONG}')")
    filling.source("insert into condominios (condominio_id, nome, endereco) values (9003, 'Some', 'Rua B')")
    filling.source("update condominios set nome = 'Longo renomeado' where condominio_id = 9002")
    filling.source("update condominios set condominio_id = 9004 where condominio_id = 9002")
    filling.source("delete from condominios where condominio_id = 9003")
    filling.source(f"insert into condominios (condominio_id, nome, endereco) values (9010, 'Antes', '{LONG}')")
    filling.source("truncate transacoes")
    filling.source("insert into transacoes (imovel_id, morador_id, data_transacao, valor_transacao) "
                 "select min(imovel_id), (select min(morador_id) from moradores), '2026-01-31', 1.50 from imoveis")  # fmt: skip
    filling.source("insert into imoveis (imovel_id, tipo, condominio_id, valor) "
                 "select 9030, 'casa', min(condominio_id), 9999999999999.99 from condominios")  # fmt: skip
    filling.source("insert into moradores (morador_id, nome, condominio_id, data_registro) "
                 "select 9030, '', min(condominio_id), '9999-12-31' from condominios")  # fmt: skip
    filling.source("insert into imoveis (imovel_id, tipo, condominio_id, valor) "
                 "select 9050, 'casa', min(condominio_id), 100000 from condominios")  # fmt: skip
    filling.source("update imoveis set valor = 120000 where imovel_id = 9050")
    with pytest.raises(Exception, match="condominios_pkey"):
        filling.source("insert into condominios values (9020, 'a', 'b'), (9020, 'a', 'b')")
    bootstrap, topic = filling.stack.links.kafka_bootstrap, filling.stack.catalog.table("imoveis").topic
    for value in (*BAD, None):  # None: a tombstone
        kafka.produce(bootstrap, topic, b'{"imovel_id": 1}', value)
    filling.source("update imoveis set tipo = 'casa' where imovel_id = 1")
    assert filling.run("sync", "--timeout", "900").stdout.startswith("in sync after")
    filling.settle()
    return filling


def test_insert_update_delete_key_change_and_an_unchanged_long_text_arrive(arrived):
    rows = arrived.rows(
        "SELECT condominio_id, nome, length(endereco) AS n FROM transformed.condominios WHERE condominio_id BETWEEN 9001 AND 9004 ORDER BY 1"
    )
    assert rows == [
        {"condominio_id": 9001, "nome": "Condomínio Ação", "n": 7},
        {"condominio_id": 9004, "nome": "Longo renomeado", "n": len(LONG)},
    ]
    kept = arrived.rows("SELECT count(*) AS n FROM raw WHERE table_name = 'condominios' AND op = 'delete'")
    assert kept[0]["n"] >= 2  # the delete, and the key change's


def test_a_truncate_empties_the_table_and_what_follows_is_kept(arrived):
    rows = arrived.rows("SELECT data_transacao, valor_transacao FROM transformed.transacoes")
    assert rows == [{"data_transacao": "2026-01-31", "valor_transacao": "1.50"}]
    (refined,) = arrived.rows("SELECT sum(valor_total_transacoes) AS total FROM refined.valor_total_por_morador")
    assert Decimal(refined["total"]) == Decimal("1.50")


def test_a_transaction_that_is_rolled_back_leaves_nothing(arrived):
    assert arrived.rows("SELECT * FROM transformed.condominios WHERE condominio_id = 9020") == []


def test_extreme_values_arrive_exactly(arrived):
    kept = arrived.rows("SELECT valor FROM transformed.imoveis WHERE imovel_id = 9030")
    assert kept == [{"valor": "9999999999999.99"}]
    assert arrived.rows("SELECT nome, data_registro FROM transformed.moradores WHERE morador_id = 9030") == [
        {"nome": "", "data_registro": "9999-12-31"}
    ]


def test_messages_that_cannot_be_read_are_kept_and_stop_nothing(arrived):
    kept = arrived.rows("SELECT value FROM raw WHERE table_name = 'imoveis' AND op = 'unknown' ORDER BY position")
    texts = [row["value"] for row in kept]
    assert texts == [
        "no json",
        "",
        "[1, 2]",
        '{"op": "z"}',
        "base64://4A",
        '{"op":"c","after":{},"source":{"table":"other"}}',
    ]


def test_what_changes_after_its_row_was_folded_keeps_the_long_text_and_every_version(arrived):
    arrived.source("update condominios set condominio_id = 9011 where condominio_id = 9010")
    arrived.source("update condominios set condominio_id = 9012 where condominio_id = 9011")
    arrived.source("update imoveis set valor = 150000 where imovel_id = 9050")
    arrived.source("delete from imoveis where imovel_id = 9050")
    arrived.settle()
    assert arrived.rows("SELECT endereco = repeat('x', 0) AS e, length(endereco) AS n FROM transformed.condominios WHERE condominio_id = 9012") == [
        {"e": False, "n": len(LONG)}
    ]  # fmt: skip
    told = arrived.rows("SELECT valor, valid_from < valid_to AS held, valid_to_position IS NULL AS holds FROM history.imoveis "
                        "WHERE imovel_id = 9050 ORDER BY valid_from_position")  # fmt: skip
    assert told == [
        {"valor": f"{valor}.00", "held": True, "holds": False} for valor in (100000, 120000, 150000)
    ]  # fmt: skip


def test_a_change_of_a_whole_table_waits_until_it_is_allowed_and_the_others_do_not(words):
    words.source("update boletos set linha_digitavel = reverse(linha_digitavel)")
    eventually(lambda: brake.waiting(words.paths, ["boletos"]) != [], 180)
    words.source("insert into condominios (nome, endereco) values ('Não espera', 'Rua C')")
    assert "boletos is braked" in words.run("sync", "--timeout", "20", code=1).stderr
    assert "boletos is braked" in words.run("status").stdout
    shown = "SELECT count(*) AS n FROM transformed.condominios WHERE nome = 'Não espera'"
    eventually(lambda: words.rows(shown) == [{"n": 1}], 120)
    (shown,) = [t for t in json.loads(words.run("status", "--json").stdout)["tables"] if t["name"] == "boletos"]
    words.run("allow", "boletos", "--through", str(shown["braked"]["target"]))
    words.settle()
