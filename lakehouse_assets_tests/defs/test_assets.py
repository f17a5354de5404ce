"""The assets run on real Spark and Delta; each check fails when it must."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse_assets.catalog import UNAVAILABLE, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.defs import history, raw, transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.engine import brake
from lakehouse_assets.engine.brake import Limits
from lakehouse_assets.engine.raw import create_raw
from lakehouse_assets.keys import Key, Keys
from lakehouse_assets.settings import REFINED_FOLDER
from lakehouse_assets_tests.defs.running import metadata, run, verdicts
from lakehouse_assets_tests.engine.lab import append

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
REFINED = load_refined(REFINED_FOLDER, CATALOG)
KEYS = Keys((Key("k1", b"k" * 32),))
DAY = "2026-03-04"
ROWS = {
    "condominios": {"condominio_id": 1, "nome": "Solar", "endereco": "Rua A"},
    "moradores": {"morador_id": 1, "nome": "Ana", "condominio_id": 1, "data_registro": 19724},
    "imoveis": {"imovel_id": 1, "tipo": "casa", "condominio_id": 1, "valor": "250000.00"},
    "transacoes": {
        "transacao_id": 1, "imovel_id": 1, "morador_id": 1, "data_transacao": 19724, "valor_transacao": "10.50",
    },
    "boletos": {
        "boleto_id": 1, "imovel_id": 1, "competencia": "01/2024", "data_vencimento": "10/01/2024",
        "data_pagamento": None, "valor": "R$ 1.234,56", "valor_multa": None, "cpf_pagador": None,
        "linha_digitavel": None, "observacao": None,
    },
}  # fmt: skip


@pytest.fixture
def paths(tmp_path, spark) -> LakePaths:
    found = LakePaths(tmp_path)
    create_raw(spark, found.raw)
    return found


def land(paths, table, offset, op="insert", value=None, key=None):
    """One raw row of a table, with the values of ROWS where none are given."""
    after = {**ROWS[table], **(value or {})}
    name = CATALOG.table(table).key[0]
    row = {
        "table_name": table, "op": op, "event_date": dt.date.fromisoformat(DAY), "position": offset,
        "kafka_offset": offset, "topic": table, "key": json.dumps({name: after[name]} if key is None else key),
        "value": json.dumps({"after": after}), "lsn": 100 + offset, "tx_id": offset, "snapshot": "false",
    }  # fmt: skip
    append(paths, [row])


def fold(paths, table):
    return run(paths, transformed.build(CATALOG, keys=lambda: KEYS), f"transformed/{table}")


@pytest.fixture(scope="module")
def every_table(tmp_path_factory, spark) -> LakePaths:
    """A lake with one row in each table but boletos, whose rules cost most, to be copied."""
    made = LakePaths(tmp_path_factory.mktemp("every_table"))
    create_raw(spark, made.raw)
    for table in ("condominios", "moradores", "imoveis", "transacoes"):
        land(made, table, 0)
        fold(made, table)
    return made


@pytest.fixture
def filled(tmp_path, every_table) -> LakePaths:
    """A lake with one row in each of those tables."""
    shutil.copytree(every_table.root, tmp_path, dirs_exist_ok=True)
    return LakePaths(tmp_path)


def audit(paths, table, tombstones=()):
    return run(paths, raw.build(CATALOG), f"raw/{table}", partition=DAY, tombstones=tombstones)


def test_an_audit_counts_by_operation_and_passes_on_contiguous_offsets(paths):
    for offset, op in enumerate(["insert", "update", "delete", "insert"]):
        land(paths, "imoveis", offset, op)
    result = audit(paths, "imoveis")
    assert verdicts(result) == {"offsets_contiguous": True, "messages_readable": True}
    shown = metadata(result, "raw/imoveis")
    assert (shown["inserts"], shown["updates"], shown["deletes"], shown["deletes_share"]) == (2, 1, 1, 0.25)
    assert shown["dagster/partition_row_count"] == 4


def test_a_missing_offset_blocks_the_fold_below(paths):
    for offset in (0, 1, 3):
        land(paths, "imoveis", offset, value={"imovel_id": offset})
    both = [*raw.build(CATALOG), *transformed.build(CATALOG)]
    result = run(paths, both, "raw/imoveis", "transformed/imoveis", partition=DAY)
    assert verdicts(result)["offsets_contiguous"] is False
    assert not paths.transformed("imoveis").exists()


def test_a_tombstone_is_no_missing_offset(paths):
    for offset in (0, 1, 3, 5):
        land(paths, "imoveis", offset)
    assert verdicts(audit(paths, "imoveis", tombstones=[2, 4]))["offsets_contiguous"] is True
    assert verdicts(audit(paths, "imoveis", tombstones=[2]))["offsets_contiguous"] is False


def test_an_unreadable_message_is_a_warning_with_its_offset_and_blocks_nothing(paths):
    land(paths, "imoveis", 0)
    land(paths, "imoveis", 1, "unknown")
    result = audit(paths, "imoveis")
    assert result.success
    (warned,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "messages_readable"]
    assert not warned.passed
    assert warned.metadata["offsets"].value == [1]
    assert fold(paths, "imoveis").success


def test_a_fold_publishes_rows_schema_preview_and_position(paths):
    land(paths, "imoveis", 0)
    result = fold(paths, "imoveis")
    assert set(verdicts(result).values()) == {True}
    shown = metadata(result, "transformed/imoveis")
    assert (shown["dagster/row_count"], shown["position"], shown["inserted"]) == (1, 0, 1)
    assert "| 1 | casa | 1 | 250000.00 |" in shown["preview"]


def test_a_mass_change_is_not_published_and_stops_no_other_table(filled):
    land(filled, "imoveis", 1, "truncate")
    land(filled, "condominios", 1, value={"condominio_id": 2})
    careful = [*transformed.build(CATALOG, limits=Limits(rows=1)), *refined.build(REFINED, CATALOG)]
    keys = ("transformed/imoveis", "transformed/condominios", "refined/transacoes_por_condominio")
    result = run(filled, careful, *keys)
    assert not result.success
    failed = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert [(e.asset_key.path[-1], e.check_name) for e in failed] == [("imoveis", "mass_change")]
    assert {name: value.value for name, value in failed[0].metadata.items()} == {
        "table": "imoveis", "applied": 0, "target": 1, "deleted": 1, "changed": 0, "rows": 1,
    }  # fmt: skip
    assert "lakehouse allow imoveis --through 1" in failed[0].description
    assert DeltaTable(str(filled.transformed("imoveis"))).to_pyarrow_table().num_rows == 1
    assert DeltaTable(str(filled.transformed("condominios"))).to_pyarrow_table().num_rows == 2
    assert not filled.refined("transacoes_por_condominio").exists()
    brake.allow(filled, "imoveis", 1)
    assert run(filled, careful, "transformed/imoveis").success
    assert DeltaTable(str(filled.transformed("imoveis"))).to_pyarrow_table().num_rows == 0


def test_a_history_is_told_after_its_table_and_a_version_ended_by_hand_fails(paths):
    both = [*transformed.build(CATALOG), *history.build(CATALOG)]
    land(paths, "imoveis", 0)
    land(paths, "imoveis", 1, "update", value={"valor": "300000.00"})
    result = run(paths, both, "transformed/imoveis", "history/imoveis")
    assert verdicts(result)["open_versions_equal_transformed"] is True
    shown = metadata(result, "history/imoveis")
    assert (shown["dagster/row_count"], shown["versions begun"], shown["position"]) == (2, 2, 1)
    DeltaTable(str(paths.history("imoveis"))).delete("valid_to_position IS NULL")
    land(paths, "imoveis", 2, value={"imovel_id": 2})
    assert (
        verdicts(run(paths, both, "transformed/imoveis", "history/imoveis"))["open_versions_equal_transformed"] is False
    )


def test_a_doubled_row_in_the_lake_fails_key_unique(paths):
    land(paths, "imoveis", 0)
    fold(paths, "imoveis")
    rows = DeltaTable(str(paths.transformed("imoveis"))).to_pyarrow_table()
    write_deltalake(str(paths.transformed("imoveis")), rows, mode="append")
    land(paths, "imoveis", 1, value={"imovel_id": 2})
    result = fold(paths, "imoveis")
    assert not result.success or verdicts(result)["key_unique"] is False
    assert verdicts(result)["key_unique"] is False


def test_a_placeholder_in_the_lake_fails_no_placeholder(spark, paths):
    land(paths, "condominios", 0)
    fold(paths, "condominios")
    spark.sql(f"UPDATE delta.`{paths.transformed('condominios')}` SET endereco = '{UNAVAILABLE}'")
    land(paths, "condominios", 1, value={"condominio_id": 2})
    assert verdicts(fold(paths, "condominios"))["no_placeholder"] is False


def test_a_value_that_does_not_fit_its_type_is_null_and_a_warning(paths):
    land(paths, "transacoes", 0, value={"valor_transacao": "NaN", "data_transacao": 2146033979})
    result = fold(paths, "transacoes")
    assert result.success
    (warned,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "values_storable"]
    assert (warned.passed, warned.metadata["cells"].value) == (False, 2)
    (row,) = DeltaTable(str(paths.transformed("transacoes"))).to_pyarrow_table().to_pylist()
    assert (row["valor_transacao"], row["data_transacao"]) == (None, None)


def test_refined_tables_are_computed_exactly_with_their_lineage(filled):
    result = run(filled, refined.build(REFINED, CATALOG), "refined/transacoes_diarias_por_tipo")
    assert set(verdicts(result).values()) == {True}
    shown = metadata(result, "refined/transacoes_diarias_por_tipo")
    sources = shown["dagster/column_lineage"].deps_by_column["valor_total_diario"]
    assert [(d.asset_key.to_user_string(), d.column_name) for d in sources] == [
        ("transformed/transacoes", "valor_transacao")
    ]
    (row,) = DeltaTable(str(filled.refined("transacoes_diarias_por_tipo"))).to_pyarrow_table().to_pylist()
    assert row == {
        "data_transacao": dt.date(2024, 1, 2), "tipo": "casa", "valor_total_diario": row["valor_total_diario"],
        "total_transacoes_diarias": 1,
    }  # fmt: skip
    assert str(row["valor_total_diario"]) == "10.50"


def test_a_transaction_without_its_property_fails_the_reconciliation(filled):
    land(filled, "transacoes", 1, value={"transacao_id": 2, "imovel_id": 99})
    fold(filled, "transacoes")
    result = run(filled, refined.build(REFINED, CATALOG), "refined/transacoes_por_condominio")
    assert verdicts(result)["total_reconciles"] is False
    assert result.success


@pytest.mark.parametrize(
    ("select", "failing"),
    [
        ("SELECT morador_id FROM transformed.moradores WHERE false", "not_empty_when_inputs_are_not"),
        ("SELECT 1 AS morador_id FROM transformed.moradores CROSS JOIN (SELECT explode(array(1, 2)))", "grain_unique"),
        (
            "SELECT CAST(NULL AS INT) AS morador_id FROM transformed.moradores CROSS JOIN (SELECT explode(array(1, 2)))",
            "grain_unique",
        ),
    ],
)
def test_a_wrong_refined_select_is_caught(filled, tmp_path, select, failing):
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "wrong.sql").write_text(f"-- description: d\n-- owner: o\n-- grain: morador_id\n{select}\n")
    result = run(filled, refined.build(load_refined(folder, CATALOG), CATALOG), "refined/wrong")
    assert verdicts(result)[failing] is False


def test_the_one_row_without_its_grain_is_no_row_too_many(filled, tmp_path):
    folder = tmp_path / "sql"
    folder.mkdir()
    select = "SELECT explode(array(morador_id, NULL)) AS morador_id FROM transformed.moradores"
    (folder / "right.sql").write_text(f"-- description: d\n-- owner: o\n-- grain: morador_id\n{select}\n")
    result = run(filled, refined.build(load_refined(folder, CATALOG), CATALOG), "refined/right")
    assert metadata(result, "refined/right")["dagster/row_count"] == 2
    assert set(verdicts(result).values()) == {True}
