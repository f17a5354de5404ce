"""The sensor against real small Delta logs."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from dagster import (
    AssetCheckKey,
    DagsterInstance,
    DagsterRunStatus,
    SensorResult,
    SkipReason,
    asset,
    build_sensor_context,
    materialize,
)
from dagster._core.test_utils import create_run_for_test

from lakehouse_assets import documents
from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import BRAKE, SERVING, LakePaths
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.defs import arrivals, proof, raw, resting, scheduled, transformed
from lakehouse_assets.defs.resources import PID_TAG
from lakehouse_assets.engine import brake
from lakehouse_assets.engine.brake import Braked
from lakehouse_assets.engine.raw import create_raw
from lakehouse_assets.settings import REFINED_FOLDER
from lakehouse_assets_tests.defs.small_lake import DAY, apply, compute, land, tell

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
REFINED = load_refined(REFINED_FOLDER, CATALOG)
HOPS = [*raw.build(CATALOG), *transformed.build(CATALOG)]
CHECKS = {asset.key: [spec.key for spec in asset.check_specs] for asset in HOPS}
BY_NAME = {table.name: table for table in REFINED}


@pytest.fixture
def paths(tmp_path: Path) -> LakePaths:
    return LakePaths(tmp_path)


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as instance:
        yield instance


def tick(
    paths: LakePaths, instance: DagsterInstance, cursor: str | None = None, dsn: str | None = None, patience: float = 0
) -> SensorResult:
    sensor = arrivals.build(CATALOG, REFINED, paths, 5, CHECKS, dsn, patience)
    result = sensor(build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, SensorResult)
    return result


def requested(result: SensorResult) -> set[str]:
    return {key.to_user_string() for request in result.run_requests or [] for key in request.asset_selection or []}


def settled(paths: LakePaths) -> None:
    """Every table has ten changes, all of them applied and computed."""
    for table in CATALOG.names:
        version = land(paths, table, range(10))
    for table in CATALOG.names:
        apply(paths, table, 9, version)
    tell(paths, "imoveis", 9)
    for table in REFINED:
        compute(paths, table, dict.fromkeys(CATALOG.names, 9))


def skip(result: SensorResult) -> str:
    assert isinstance(result.skip_reason, SkipReason)
    return str(result.skip_reason.skip_message)


def test_an_empty_lake_asks_for_nothing(paths, instance):
    result = tick(paths, instance)
    assert not result.run_requests
    assert "raw version -1" in skip(result)


def older(paths, version, seconds):
    commit = paths.raw / "_delta_log" / f"{version:020}.json"
    os.utime(commit, (commit.stat().st_mtime - seconds,) * 2)


def test_a_new_raw_table_is_given_time_for_its_first_rows(spark, paths, instance):
    create_raw(spark, paths.raw)
    assert "first rows of condominios, moradores" in skip(tick(paths, instance, patience=90))
    older(paths, 0, 91)
    assert {f"transformed/{name}" for name in CATALOG.names} <= requested(tick(paths, instance, patience=90))


def test_the_first_rows_of_the_other_tables_are_awaited_while_rows_arrive(paths, instance):
    land(paths, "imoveis", range(3))
    version = land(paths, "imoveis", range(3, 6))
    older(paths, version, -60)  # just now, however long the tick takes
    said = skip(tick(paths, instance, patience=90))
    assert "first rows of condominios, moradores, transacoes, boletos are awaited" in said
    older(paths, version, 66)
    assert {f"transformed/{name}" for name in CATALOG.names} <= requested(tick(paths, instance, patience=90))


def test_a_new_raw_table_with_rows_of_every_table_is_not_waited_for(paths, instance):
    for name in CATALOG.names:
        land(paths, name, range(3))
    assert {f"raw/{name}" for name in CATALOG.names} <= requested(tick(paths, instance, patience=30))


def test_nothing_is_asked_for_when_all_is_applied(paths, instance):
    settled(paths)
    assert "all is applied" in skip(tick(paths, instance))


def test_only_tables_that_are_behind_and_what_rests_on_them_are_asked_for(paths, instance):
    settled(paths)
    land(paths, "moradores", range(10, 12))
    result = tick(paths, instance)
    above = {"refined/panorama_por_condominio", "refined/moradores_ativos"}
    assert requested(result) == {"raw/moradores", "transformed/moradores", *above}
    assert [request.partition_key for request in result.run_requests] == [DAY.isoformat()]


def test_what_is_published_follows_what_is_computed_and_is_asked_for_until_it_is(paths, instance):
    dsn, published = "postgresql://bi@127.0.0.1/bi", {f"serving/{table.name}" for table in REFINED}
    settled(paths)
    assert requested(tick(paths, instance, dsn=dsn)) == published
    for table in REFINED:
        note = {"refined version": 0, "place": "postgres bi@127.0.0.1:5432/bi"}
        documents.write(paths.root / SERVING / f"{table.name}.json", note)
    assert "all is applied" in skip(tick(paths, instance, dsn=dsn))
    land(paths, "moradores", range(10, 12))
    above = {
        f"{layer}/{name}"
        for layer in ("refined", "serving")
        for name in ("panorama_por_condominio", "moradores_ativos")
    }
    assert requested(tick(paths, instance, dsn=dsn)) == {"raw/moradores", "transformed/moradores", *above}
    compute(paths, BY_NAME["inadimplencia"], dict.fromkeys(CATALOG.names, 9))
    assert "serving/inadimplencia" in requested(tick(paths, instance, dsn=dsn))


def test_losing_the_cursor_asks_for_the_same_run(paths, instance):
    settled(paths)
    cursor = tick(paths, instance).cursor
    land(paths, "transacoes", range(10, 11))
    assert requested(tick(paths, instance, cursor)) == requested(tick(paths, instance, None)) != set()


def test_a_run_that_never_came_is_asked_for_again_although_the_cursor_moved_on(paths, instance):
    settled(paths)
    land(paths, "transacoes", range(10, 11))
    asked = tick(paths, instance)
    assert requested(tick(paths, instance, asked.cursor)) == requested(asked) != set()


def test_a_cursor_that_is_no_cursor_is_ignored(paths, instance):
    settled(paths)
    land(paths, "imoveis", range(10, 11))
    assert "transformed/imoveis" in requested(tick(paths, instance, "{not json"))
    assert "transformed/imoveis" in requested(tick(paths, instance, '{"other": 1}'))


def test_a_missing_transformed_table_is_asked_for_even_without_changes(paths, instance):
    land(paths, "transacoes", range(3))
    assert {f"transformed/{name}" for name in CATALOG.names} <= requested(tick(paths, instance))


def test_a_refined_table_older_than_its_inputs_is_asked_for_alone(paths, instance):
    settled(paths)
    stale = BY_NAME["valor_total_por_morador"]
    compute(paths, stale, dict.fromkeys(CATALOG.names, 8))
    assert requested(tick(paths, instance)) == {"refined/valor_total_por_morador"}


def test_an_edited_select_is_asked_for(paths, instance):
    settled(paths)
    edited = type(REFINED[0])(**{**vars(REFINED[0]), "select": "SELECT 1"})
    compute(paths, edited, dict.fromkeys(CATALOG.names, 9))
    assert requested(tick(paths, instance)) == {f"refined/{edited.name}"}


def test_a_braked_table_waits_for_a_person_and_the_others_do_not(paths, instance):
    settled(paths)
    for table in ("transacoes", "moradores"):
        land(paths, table, range(10, 12))
    documents.write(paths.root / BRAKE / "transacoes.braked.json", asdict(Braked("transacoes", 9, 11, 5, 0, 5)))
    found = requested(tick(paths, instance))
    assert "transformed/moradores" in found
    assert "transformed/transacoes" not in found
    brake.allow(paths, "transacoes", 11)
    assert "transformed/transacoes" in requested(tick(paths, instance))


def test_a_history_is_asked_for_with_its_table_and_alone_when_only_it_is_behind(paths, instance):
    settled(paths)
    land(paths, "imoveis", range(10, 12))
    assert {"transformed/imoveis", "history/imoveis"} <= requested(tick(paths, instance))
    apply(paths, "imoveis", 11)
    for table in REFINED:
        compute(paths, table, dict.fromkeys(CATALOG.names, 9) | {"imoveis": 11})
    assert requested(tick(paths, instance)) == {"history/imoveis"}


def test_a_run_in_progress_is_waited_for(paths, instance):
    settled(paths)
    land(paths, "transacoes", range(10, 11))
    create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PID_TAG: str(os.getpid())})
    assert "is in progress" in skip(tick(paths, instance))


@pytest.mark.parametrize(
    "run",
    [
        {"tags": {scheduled.ONLY_READS: "true"}},
        {"asset_check_selection": {AssetCheckKey(transformed.key("imoveis"), proof.NAME)}},
    ],
    ids=["scheduled", "by hand"],
)
def test_a_verification_is_not_waited_for(paths, instance, run):
    settled(paths)
    land(paths, "transacoes", range(10, 11))
    run = run | {"tags": {PID_TAG: str(os.getpid()), **run.get("tags", {})}}
    create_run_for_test(instance, status=DagsterRunStatus.STARTED, **run)
    assert "transformed/transacoes" in requested(tick(paths, instance))


def test_a_run_is_asked_for_with_the_checks_of_its_steps_and_no_verification(paths, instance):
    settled(paths)
    land(paths, "moradores", range(10, 12))
    (request,) = tick(paths, instance).run_requests
    assert {(key.asset_key.path[0], key.name) for key in request.asset_check_keys} == {
        ("raw", "offsets_contiguous"), ("raw", "messages_readable"), ("transformed", "key_unique"), ("transformed", "mass_change"),
        ("transformed", "no_placeholder"), ("transformed", "position_equals_cut"), ("transformed", "values_storable"),
        ("transformed", "nothing_lost"), ("transformed", "no_personal_data"),
        ("transformed", "schema_as_declared"),
    }  # fmt: skip


def test_a_run_whose_process_was_killed_is_marked_failed_and_not_waited_for(paths, instance):
    settled(paths)
    land(paths, "transacoes", range(10, 11))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PID_TAG: str(ended.pid)})
    assert "transformed/transacoes" in requested(tick(paths, instance))
    assert instance.get_run_by_id(run.run_id).status is DagsterRunStatus.FAILURE


@pytest.fixture
def patient(monkeypatch):
    """What failed rests for longer than any test takes."""
    monkeypatch.setattr(resting, "_FIRST_WAIT", 300)


@pytest.mark.usefixtures("patient")
def test_after_a_failed_run_the_sensor_waits_before_it_asks_again(paths, instance):
    settled(paths)
    land(paths, "transacoes", range(10, 11))
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={arrivals.ARRIVALS_TAG: "true"})
    instance.report_run_failed(run, "on purpose")
    assert "next try in" in skip(tick(paths, instance))


@pytest.mark.usefixtures("patient")
def test_a_table_that_failed_rests_and_the_others_do_not_wait_with_it(paths, instance):
    settled(paths)
    for table in ("transacoes", "moradores"):
        land(paths, table, range(10, 11))

    @asset(key=transformed.key("transacoes"))
    def stopped() -> None:
        raise ValueError("on purpose")

    @asset(key=transformed.key("moradores"))
    def folded() -> None: ...

    tags = {arrivals.ARRIVALS_TAG: "true"}
    assert not materialize([stopped, folded], instance=instance, tags=tags, raise_on_error=False).success
    wanted = requested(tick(paths, instance))
    assert "transformed/moradores" in wanted
    assert not {"raw/transacoes", "transformed/transacoes"} & wanted
    apply(paths, "moradores", 10, 1)
    for name in ("panorama_por_condominio", "moradores_ativos"):
        compute(paths, BY_NAME[name], dict.fromkeys(CATALOG.names, 9) | {"moradores": 10})
    assert "next try in" in skip(tick(paths, instance))


def test_the_day_before_is_audited_once_more_when_midnight_passes(paths, instance):
    settled(paths)
    cursor = tick(paths, instance).cursor
    land(paths, "transacoes", range(10, 11))
    land(paths, "transacoes", range(11, 12), day=DAY + dt.timedelta(days=1))
    result = tick(paths, instance, cursor)
    assert [request.partition_key for request in result.run_requests] == ["2026-03-05", "2026-03-04"]
    assert {key.to_user_string() for key in result.run_requests[1].asset_selection} == {"raw/transacoes"}
