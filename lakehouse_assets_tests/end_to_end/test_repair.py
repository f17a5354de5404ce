"""A lake that was damaged by hand is brought back: from raw, by single rows, and by a new snapshot of one table."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable

pytestmark = pytest.mark.stack


def _damage(words, table: str) -> DeltaTable:
    return DeltaTable(str(words.stack.settings.lake / "transformed" / table))


def test_rows_lost_altered_and_invented_in_the_lake_come_back_from_raw(words):
    words.settle()
    keys = [row["imovel_id"] for row in words.rows("SELECT imovel_id FROM transformed.imoveis ORDER BY 1 LIMIT 2")]
    _damage(words, "imoveis").delete(f"imovel_id = {keys[0]}")
    _damage(words, "imoveis").update({"valor": "1.23"}, f"imovel_id = {keys[1]}")
    assert "different" in words.run("verify", "imoveis", code=3).stdout
    told = words.run("repair", "imoveis", "--yes").stdout
    assert "2 rows differed, 0 do now" in told
    assert "nothing to repair" in words.run("repair", "imoveis", "--yes").stdout


def test_one_row_is_asked_of_the_source_again(words):
    words.settle()
    key = words.rows("SELECT min(morador_id) AS k FROM transformed.moradores")[0]["k"]
    before = words.rows("SELECT count(*) AS n FROM raw WHERE table_name = 'moradores' AND snapshot = 'incremental'")[0][
        "n"
    ]
    _damage(words, "moradores").update({"nome": "'outro'"}, f"morador_id = {key}")
    assert "1 rows differed, 0 do now" in words.run("repair", "moradores", "--yes", "--keys", str(key)).stdout
    after = words.rows("SELECT count(*) AS n FROM raw WHERE table_name = 'moradores' AND snapshot = 'incremental'")[0][
        "n"
    ]
    assert after == before + 1
    words.settle()


def test_a_table_gets_a_new_generation_and_the_others_none(words):
    words.settle()
    count = "SELECT table_name AS t, count(*) AS n FROM raw WHERE op = 'snapshot' GROUP BY ALL ORDER BY 1"
    before = {row["t"]: row["n"] for row in words.rows(count)}
    assert "equal" in words.run("backfill", "condominios").stdout
    words.settle()
    grown = {row["t"] for row in words.rows(count) if row["n"] > before.get(row["t"], 0)}
    assert grown == {"condominios"}
    words.run("repair", "nada", code=2)
