"""The code location as Dagster sees it, in Python and from its command line."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import AssetKey, DefaultScheduleStatus, DefaultSensorStatus, Definitions

from lakehouse_assets.definitions import defs

PROJECT = Path(__file__).parents[2]
TABLES = ("condominios", "moradores", "imoveis", "transacoes", "boletos")
REFINED = (
    "transacoes_por_condominio", "valor_total_por_morador", "transacoes_diarias_por_tipo", "panorama_por_condominio",
    "movimento_mensal_por_condominio", "receita_mensal_por_condominio", "inadimplencia", "valorizacao_por_tipo",
    "moradores_ativos", "movimentacao_atipica",
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> Definitions:
    return defs()


def test_the_set_of_assets_is_pinned(loaded):
    keys = {key.to_user_string() for key in loaded.resolve_asset_graph().get_all_asset_keys()}
    hops = {f"{hop}/{table}" for hop in ("postgres", "kafka", "raw", "transformed") for table in TABLES}
    assert keys == hops | {"history/imoveis"} | {f"refined/{name}" for name in REFINED}


def test_every_hop_depends_on_the_one_before(loaded):
    graph = loaded.resolve_asset_graph()
    hops = ("postgres", "kafka", "raw", "transformed")
    for before, after in itertools.pairwise(hops):
        for table in TABLES:
            assert graph.get(AssetKey([after, table])).parent_keys == {AssetKey([before, table])}


def test_a_history_depends_on_its_transformed_table(loaded):
    assert loaded.resolve_asset_graph().get(AssetKey(["history", "imoveis"])).parent_keys == {
        AssetKey(["transformed", "imoveis"])
    }


def test_refined_assets_depend_on_what_their_sql_reads(loaded):
    parents = loaded.resolve_asset_graph().get(AssetKey(["refined", "transacoes_por_condominio"])).parent_keys
    assert parents == {AssetKey(["transformed", "transacoes"]), AssetKey(["transformed", "imoveis"])}


def test_every_asset_has_a_group_a_description_kinds_and_an_owner(loaded):
    for node in loaded.resolve_asset_graph().asset_nodes:
        assert node.group_name == node.key.path[0]
        assert node.description
        assert node.kinds
        assert node.owners


def test_raw_is_partitioned_by_day_and_nothing_else_is(loaded):
    partitioned = {n.key.path[0] for n in loaded.resolve_asset_graph().asset_nodes if n.partitions_def}
    assert partitioned == {"raw"}


def test_every_check_is_declared(loaded):
    checks = {(key.asset_key.path[0], key.name) for key in loaded.resolve_asset_graph().asset_check_keys}
    assert checks == {
        ("raw", "offsets_contiguous"), ("raw", "messages_readable"), ("raw", "stream_intact"),
        ("transformed", "key_unique"), ("transformed", "no_placeholder"), ("transformed", "position_equals_cut"),
        ("transformed", "values_storable"), ("transformed", "postgres_equals_transformed"), ("transformed", "nothing_lost"),
        ("transformed", "rebuild_equals_fold"), ("transformed", "mass_change"), ("transformed", "schema_as_declared"), ("history", "open_versions_equal_transformed"),
        ("transformed", "no_personal_data"), ("refined", "no_personal_data"),
        *(("transformed", f"values_of_{name}") for name in (
            "competencia", "data_vencimento", "data_pagamento", "valor", "valor_multa", "observacao")),
        ("transformed", "rule_fits_data_pagamento"), ("transformed", "rule_fits_valor"),
        ("refined", "grain_unique"), ("refined", "not_empty_when_inputs_are_not"), ("refined", "total_reconciles"),
    }  # fmt: skip


def test_the_sensors_run_without_being_switched_on(loaded):
    assert {sensor.name: sensor.default_status for sensor in loaded.sensors} == {
        "arrivals": DefaultSensorStatus.RUNNING,
        "stream_watch": DefaultSensorStatus.RUNNING,
    }


def test_the_proofs_run_without_being_switched_on(loaded):
    assert {(s.name, s.cron_schedule) for s in loaded.schedules} == {
        ("verify", "*/15 * * * *"),
        ("refold", "0 */6 * * *"),
    }
    assert {s.default_status for s in loaded.schedules} == {DefaultScheduleStatus.RUNNING}


@pytest.mark.parametrize(
    "command",
    [
        ["dagster", "definitions", "validate", "-w", "workspace.yaml"],
        ["dg", "check", "defs"],
        ["dg", "list", "defs", "--json"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_dagsters_own_commands_accept_the_project(command, tmp_path):
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "LAKEHOUSE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [program, *command[1:]], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
