"""The source's tables change while everything runs, while the connector is stopped, and inside a transaction.

Raw never stops, the lake takes over what it can, and what it cannot is named with what mends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.gateways import connect, postgres
from lakehouse_assets.progress.verify import verify
from lakehouse_assets.stack.connector import connector_name
from lakehouse_assets_tests.end_to_end.conftest import Words
from lakehouse_assets_tests.real_stack import CATALOG, running_stack
from lakehouse_assets_tests.stack.waiting import eventually

pytestmark = pytest.mark.own_stack

TABLE = """
[tables.{name}]
drift = "{drift}"
key = ["id"]
[tables.{name}.columns]
id = "integer"
nota = "varchar(20)"
valor = "numeric(6,2)"
"""
TYPES = """
[tables.tipos]
source = "Tipos de Dados"
key = ["order"]
[tables.tipos.columns]
order = "integer"
rede = "inet"
bloco = "cidr"
placa = "macaddr"
faixa = "int4range"
"Período" = "daterange"
preco = "numrange"
hora = "tsrange"
relogio = "time"
turno = "time(3)"
"""
SAMPLES = Path(__file__).parents[1] / "samples"
CAPTURED = (
    "pagila.film", "pagila.film_actor", "pagila.payment", "pagila.staff", "northwind.customers", "northwind.order_details",
    "chinook.Track", "chinook.PlaylistTrack",
)  # fmt: skip
PATIENCE = 1200  # seconds; a machine that does other work is slow, not wrong
TABLES = ("comum", "dentro", "largo", "outro", "renomeado", "parado", "refeito", "chave")


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Words]:
    """A stack whose tables are for these tests to change; each has two rows, and they are in the lake."""
    catalog = tmp_path_factory.mktemp("catalog") / "lakehouse.toml"
    catalog.parent.chmod(0o755)
    tables = [TABLE.format(name=name, drift="evolve") for name in TABLES] + [
        TABLE.format(name="fixo", drift="freeze"),
        TYPES,
    ]
    lake = CATALOG.read_text(encoding="utf-8").partition("[tables.")[0]  # without the demo's tables
    catalog.write_text(lake + "".join(tables), encoding="utf-8")
    with running_stack(
        catalog, refined=catalog.parent
    ) as running:  # no business tables: they are not what is tried here
        words = Words(running)
        for name in (*TABLES, "fixo"):
            words.source(f"insert into {name} values (1, 'um', 1.00), (2, 'dois', 2.00)")
        words.source("""insert into "Tipos de Dados" values (1, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '[1,5)',
                        '[2026-01-01,2026-02-01)', '[1.50,2.25]', '[2026-01-01 10:00, 2026-01-01 11:00)', '24:00', '08:30:00.25')""")
        words.source(
            """insert into "Tipos de Dados" values (2, '10.0.0.1/24', '::/0', '08:00:2b:01:02:04', 'empty', '(,)', '(,2]', null)"""
        )
        words.source("""update "Tipos de Dados" set rede = '::1' where "order" = 1""")
        words.sync(PATIENCE)
        yield words


def alter(words: Words, *statements: str) -> None:
    """Run statements as the owner of the source's tables, in one transaction."""
    postgres.execute(str(words.stack.links.owner_dsn), "; ".join(statements))


def rows(words: Words, table: str) -> dict[int, dict[str, Any]]:
    found = words.rows(f"SELECT * EXCLUDE (_position, _lsn, _tx_id, _op, _committed_at) FROM transformed.{table}")
    return {row.pop("id"): row for row in found}


def planned(words: Words, *options: str, code: int) -> dict[str, list[tuple[str, str]]]:
    """The differences that are left, by table."""
    told = json.loads(
        words.run("plan", "--json", "--timeout", str(PATIENCE), *options, code=code, seconds=3 * PATIENCE).stdout
    )
    return {
        table["name"]: [(d["change"], d["column"]) for d in table["differences"] if not d["settled"]]
        for table in told["tables"]
        if not table["settled"]
    }


def unequal(words: Words, *names: str) -> list[str]:
    found = [proof for proof in verify(words.here.verify_request(PATIENCE), names).proofs if not proof.equal]
    print(found)  # where they differ
    return [proof.table for proof in found]


def quarantined(words: Words, table: str) -> list[dict[str, Any]]:
    return json.loads(words.run("quarantine", table, "--json").stdout)


def not_compared(words: Words, name: str) -> dict[str, str]:
    (proof,) = verify(words.here.verify_request(PATIENCE), [name]).proofs
    return proof.not_compared


def test_types_without_a_twin_and_names_in_quotes_arrive_as_the_server_prints_them(drifting: Words) -> None:
    found = drifting.rows(
        'SELECT rede, bloco, faixa, "Período", hora, relogio, turno FROM transformed.tipos ORDER BY "order"'
    )
    assert found == [
        {"rede": "::1", "bloco": "10.0.0.0/8", "faixa": "[1,5)", "Período": "[2026-01-01,2026-02-01)",
         "hora": '["2026-01-01 10:00:00","2026-01-01 11:00:00")', "relogio": "24:00:00", "turno": "08:30:00.25"},
        {"rede": "10.0.0.1/24", "bloco": "::/0", "faixa": "empty", "Período": "(,)", "hora": None, "relogio": None, "turno": None},
    ]  # fmt: skip
    assert unequal(drifting, "tipos") == []


def test_columns_of_every_other_type_arrive_and_keep_long_values_that_an_update_leaves_alone(drifting: Words) -> None:
    added = {
        "foto": "bytea", "prazo": "interval", "fuso": "timetz", "etiquetas": "text[]", "numeros": "bigint[]", "ids": "uuid[]",
        "janela": "int4multirange", "documento": "tsvector", "mapa": "hstore", "lugar": "point", "saldo": "money", "dias": "date[]",
        "sinais": "bit(12)", "ligado": "bit", "fichas": "jsonb[]",
    }  # fmt: skip
    columns, long = ", ".join(f"add column {name} {kind}" for name, kind in added.items()), "generate_series(1, 900) i"
    stored = ", ".join(
        f"alter column {c} set storage external"
        for c in ("foto", "etiquetas", "numeros", "ids", "janela", "mapa", "fichas")
    )
    alter(
        drifting,
        "create extension hstore",
        f'alter table "Tipos de Dados" {columns}',
        f'alter table "Tipos de Dados" {stored}',
    )
    drifting.source(
        r"""insert into "Tipos de Dados" ("order", foto, prazo, fuso, etiquetas, numeros, ids, janela, documento, mapa, lugar, saldo, sinais, ligado, fichas)
        values (3, '\x00ff41', '1 year -2 mons 3 days -04:05:06.78', '10:00:00.25+03', array['a', 'b,"c', null, U&'é\001F'], '{1,null,-3}',
        '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{[1,3),[5,8)}', 'gato:2', 'a=>1, b=>NULL', '(1.5,2)', '-1.50', '100000000011', '1', array['{"a": "é"}', null]::jsonb[]),
        (4, '', '0', '10:00+00', '{}', '{}', '{}', '{}', '', '', '(0,0)', '0', '000000000000', '0', '{}'),
        (5, null, '-1 day 100:00:00', '23:59:59-05', null, null, null, null, null, null, null, null, null, null, null)"""
    )
    drifting.source(
        f"""insert into "Tipos de Dados" ("order", foto, etiquetas, numeros, ids, janela, mapa, fichas)
        select 6, decode(string_agg(md5(i::text), ''), 'hex'), array_agg(md5(i::text)), array_agg(i), array_agg(gen_random_uuid()),
        range_agg(int4range(i * 3, i * 3 + 1)), hstore(array_agg(i::text), array_agg(md5(i::text))), array_agg(to_jsonb(md5(i::text))) from {long}"""
    )
    drifting.sync(PATIENCE)
    drifting.source("""update "Tipos de Dados" set faixa = '[7,9)' where "order" = 6""")
    drifting.source("""update "Tipos de Dados" set "order" = 7 where "order" = 6""")
    drifting.sync(PATIENCE)
    names = ", ".join(name for name in added if name != "dias")
    found = {
        row.pop("order"): row
        for row in drifting.rows(f'SELECT "order", {names} FROM transformed.tipos WHERE "order" > 2 ORDER BY 1')
    }
    assert list(found) == [3, 4, 5, 7]
    assert found[3] == {
        "foto": r"\x00ff41", "prazo": "P0Y10M3DT-4H-5M-6.78S", "fuso": "07:00:00.25Z", "etiquetas": r'["a","b,\"c",null,"é\u001F"]',
        "numeros": "[1,null,-3]", "ids": '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]', "janela": "{[1,3),[5,8)}",
        "sinais": "100000000011", "ligado": "1", "fichas": r'["{\"a\": \"é\"}",null]',
        "documento": "'gato':2", "mapa": '{"a":"1","b":null}', "saldo": "-1.50",
        "lugar": '{"x":1.5,"y":2.0,"wkb":"AQEAAAAAAAAAAAD4PwAAAAAAAABA","srid":null}',
    }  # fmt: skip
    assert (found[7]["etiquetas"].count(","), len(found[7]["mapa"]) > 2_000) == (899, True)
    assert unequal(drifting, "tipos") == []
    apart = not_compared(drifting, "tipos")
    assert set(apart) == {"mapa", "lugar", "dias"}
    assert "an unchanged long value" in apart["dias"]


def test_columns_come_go_and_grow_while_everything_runs(drifting: Words) -> None:
    alter(drifting, "alter table comum add column cor text", "alter table comum drop column nota")
    drifting.source("insert into comum (id, valor, cor) values (3, 3.00, 'azul')")
    alter(
        drifting, "insert into dentro values (3, 'antes', 3.00)", "alter table dentro add column dia date",
        "insert into dentro values (4, 'depois', 4.00, '2026-01-31')", "update dentro set dia = '2026-02-01' where id = 1",
    )  # fmt: skip
    alter(
        drifting, "alter table largo alter column id type bigint", "alter table largo alter column nota type text",
        "alter table largo alter column valor type numeric(10,3)",
    )  # fmt: skip
    drifting.source(f"insert into largo values (9000000000, '{'x' * 30}', 1234567.891)")
    alter(drifting, "alter table fixo add column cor text")
    drifting.source("insert into fixo values (3, 'três', 3.00, 'azul')")
    drifting.sync(PATIENCE)

    assert rows(drifting, "comum") == {
        1: {"nota": "um", "valor": "1.00", "cor": None}, 2: {"nota": "dois", "valor": "2.00", "cor": None},
        3: {"nota": None, "valor": "3.00", "cor": "azul"},
    }  # fmt: skip
    assert {k: r["dia"] for k, r in rows(drifting, "dentro").items()} == {
        1: "2026-02-01", 2: None, 3: None, 4: "2026-01-31",
    }  # fmt: skip
    assert rows(drifting, "largo")[9_000_000_000] == {"nota": "x" * 30, "valor": "1234567.891"}
    assert rows(drifting, "fixo")[3] == {"nota": "três", "valor": "3.00"}
    assert unequal(drifting, "comum", "dentro", "largo", "fixo") == []
    assert not_compared(drifting, "comum") == {"nota": "no longer in the source"}
    assert not_compared(drifting, "fixo") == {"cor": "not in the catalog, and drift is freeze"}
    assert planned(drifting, code=3) == {"fixo": [("added", "cor")]}


def test_a_column_of_another_type_is_held_back_until_the_catalog_says_so(drifting: Words) -> None:
    alter(drifting, "alter table outro alter column valor type date using '2026-01-31'::date")
    drifting.source("insert into outro values (3, 'três', '2026-02-01')")
    drifting.sync(PATIENCE)
    assert {k: r["valor"] for k, r in rows(drifting, "outro").items()} == {1: "1.00", 2: "2.00", 3: None}
    # The quarantine follows the fold: it is written after it.
    eventually(lambda: quarantined(drifting, "outro") != [], PATIENCE)
    (entry,) = quarantined(drifting, "outro")
    assert (entry["key"], entry["column_name"], entry["raw"]) == ('{"id":3}', "valor", "20485")
    assert unequal(drifting, "outro") == []
    assert ("retyped", "valor") in planned(drifting, code=3)["outro"]
    assert "valor is date in the source, numeric(6,2) before" in drifting.run("plan", code=3).stdout


def test_a_renamed_column_and_one_with_a_default_wait_for_their_rows(drifting: Words) -> None:
    alter(drifting, "alter table renomeado rename column nota to texto")
    # The connector is stopped meanwhile.
    url, name = drifting.stack.links.connect_url, connector_name(drifting.stack.catalog)
    connect.stop(url, name)
    drifting.source("insert into parado values (3, 'antes', 3.00)")
    alter(drifting, "alter table parado add column ativo boolean not null default true")
    drifting.source("insert into parado values (4, 'depois', 4.00, false)")
    drifting.source("insert into renomeado values (3, 'três', 3.00)")
    connect.resume(url, name)
    drifting.sync(PATIENCE)
    assert {k: r["ativo"] for k, r in rows(drifting, "parado").items()} == {1: None, 2: None, 3: None, 4: False}
    assert {k: r["texto"] for k, r in rows(drifting, "renomeado").items()} == {1: None, 2: None, 3: "três"}
    assert sorted(unequal(drifting, "parado", "renomeado")) == ["parado", "renomeado"]
    found = planned(drifting, code=3)
    assert (found["parado"], found["renomeado"]) == ([("rows awaited", "ativo")], [("rows awaited", "texto")])


def test_a_plan_that_is_written_and_applied_leaves_nothing(drifting: Words) -> None:
    before = Path(drifting.stack.settings.catalog).read_text(encoding="utf-8")
    assert planned(drifting, "--apply", "--write", code=0) == {}
    after = Path(drifting.stack.settings.catalog).read_text(encoding="utf-8")
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert 'texto = "varchar(20)"' in after
    assert {k: r["valor"] for k, r in rows(drifting, "outro").items()} == {
        1: "2026-01-31",
        2: "2026-01-31",
        3: "2026-02-01",
    }
    assert {k: r["texto"] for k, r in rows(drifting, "renomeado").items()} == {1: "um", 2: "dois", 3: "três"}
    assert unequal(drifting) == []


def test_a_table_dropped_and_made_again_and_a_new_one(drifting: Words) -> None:
    alter(drifting, "drop table refeito")
    assert planned(drifting, code=3)["refeito"] == [("no table", "")]
    alter(
        drifting, "create table refeito (id integer primary key, nota varchar(20), valor numeric(6,2))",
        "insert into refeito values (7, 'sete', 7.00)", "create table novo (id integer primary key, nome text)",
        "insert into novo values (1, 'um')", f"grant select on novo to {postgres.APPLICATION_ROLE}",
    )  # fmt: skip
    assert "public.novo is in the source and not in the catalog" in drifting.run("plan", code=3).stdout
    catalog = Path(drifting.stack.settings.catalog)
    new = '[tables.novo]\nkey = ["id"]\n[tables.novo.columns]\nid = "integer"\nnome = "text"\n'
    catalog.write_text(f"{catalog.read_text(encoding='utf-8')}\n{new}", encoding="utf-8")
    found = planned(drifting, code=3)
    assert ("not published", "") in found["refeito"]
    assert "novo" in found
    flowing = ("postgres", "kafka", "connect", "engine", "dashboard")
    before = [drifting.stack.pid(name) for name in flowing]
    alter(
        drifting, "create function refused() returns trigger language plpgsql as $$ begin raise 'no signal'; end $$",
        "create trigger refused before insert on lakehouse.signal for each row execute function refused()",
    )  # fmt: skip
    assert "no signal" in drifting.run("plan", "--apply", code=1).stderr
    alter(drifting, "drop trigger refused on lakehouse.signal", "drop function refused")
    assert "novo" in planned(drifting, code=3)  # the connector reads it, but its rows from before were not asked for
    assert planned(drifting, "--apply", code=0) == {}
    assert [drifting.stack.pid(name) for name in flowing] == before  # what a new catalog does not concern goes on
    drifting.sync(PATIENCE)
    assert rows(drifting, "refeito") == {7: {"nota": "sete", "valor": "7.00"}}
    assert rows(drifting, "novo") == {1: {"nome": "um"}}
    assert unequal(drifting) == []


def test_a_changed_key_stops_the_table_and_no_other(drifting: Words) -> None:
    alter(drifting, "alter table chave drop constraint chave_pkey", "alter table chave add primary key (id, nota)")
    drifting.source("insert into chave values (1, 'outro', 3.00)")
    drifting.source("insert into comum (id, valor) values (4, 4.00)")
    assert unequal(drifting, "comum") == []
    assert rows(drifting, "comum")[4]["valor"] == "4.00"
    assert "chave not folded yet" in drifting.run("sync", "--timeout", "40", code=1).stderr
    assert len(rows(drifting, "chave")) == 2
    assert planned(drifting, code=3) == {"chave": [("key changed", "")]}
    assert "the primary key is (id, nota) in the source, (id) in the catalog" in drifting.run("plan", code=3).stdout


def test_a_changed_key_is_taken_over_by_a_plan_that_is_written(drifting: Words) -> None:
    assert planned(drifting, "--apply", "--write", code=0) == {}
    assert unequal(drifting) == []
    keys = {(row["id"], row["nota"]) for row in drifting.rows("SELECT id, nota FROM transformed.chave")}
    assert keys == {(1, "um"), (2, "dois"), (1, "outro")}


def test_tables_that_others_designed_are_found_and_arrive(drifting: Words) -> None:
    for schema in sorted(SAMPLES.glob("*.sql")):
        alter(drifting, schema.read_text(encoding="utf-8"))
    schemas = [word for file in SAMPLES.glob("*.sql") for word in ("--schema", file.stem)]
    found = json.loads(drifting.run("discover", *schemas, "--json").stdout)
    tables = {table["source"]: table for table in found["tables"]}
    assert len(tables) == 15
    assert {one["place"] for one in found["not_captured"]} == {
        "northwind.region_names", "pagila.film_list", "pagila.rental_by_category",
    }  # fmt: skip
    assert [one["place"] for one in tables["chinook.Track"]["left_out"]] == ["chinook.Track.Seconds"]
    assert tables["pagila.staff"]["columns"]["email"] == {"type": "text", "protect": "token"}
    drifting.run("discover", *CAPTURED, "--write")
    assert planned(drifting, "--apply", code=0) == {}
    drifting.sync(PATIENCE)
    assert unequal(drifting) == []
    alter(
        drifting, "update pagila.film set rating = 'NC-17', special_features = null, release_year = 2026 where film_id % 10 = 0",
        "update pagila.payment set payment_date = payment_date + interval '1 month' where payment_id <= 10",
        "update pagila.staff set email = null, picture = decode(repeat('00ff', 2000), 'hex') where staff_id = 1",
        "delete from pagila.film_actor where actor_id = 1", "update northwind.order_details set discount = 0.15 where product_id = 7",
        "truncate northwind.order_details, northwind.customers cascade", "insert into northwind.customers values ('ÇÃO  ', ' x ')",
        """update chinook."Track" set "Name" = reverse("Name"), "Bytes" = null where "TrackId" < 20""",
        """delete from chinook."PlaylistTrack" where "PlaylistId" = 3""",
    )  # fmt: skip
    drifting.sync(PATIENCE)
    assert unequal(drifting) == []
    assert drifting.rows("SELECT customer_id, company_name FROM transformed.customers") == [
        {"customer_id": "ÇÃO  ", "company_name": " x "}
    ]


def test_a_source_that_does_not_answer(drifting: Words) -> None:
    told = drifting.run(
        "plan",
        code=1,
        LAKEHOUSE_SOURCE_DSN="postgresql://a:b@127.0.0.1:1/c",
        LAKEHOUSE_REPLICATION_DSN="postgresql://a:b@127.0.0.1:1/c",
    )
    assert "the server does not answer" in told.stderr
