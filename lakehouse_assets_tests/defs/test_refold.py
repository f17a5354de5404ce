"""What folds made of raw is compared with raw folded anew, one table after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    Definitions,
    SkipReason,
    asset,
    build_schedule_context,
    in_process_executor,
)  # fmt: skip
from deltalake import DeltaTable

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.defs import refold
from lakehouse_assets.defs.resources import LakeResource, spark_resource
from lakehouse_assets_tests.changelog.histories import TABLE, key_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLES = (TABLE, replace(TABLE, name="u"))
CATALOG = Catalog("test", "lakehouse", "lakehouse", TABLES)
CHECK, CRON = refold.build(CATALOG), "0 */6 * * *"


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    lab = Lab(spark, tmp_path)
    rows = [Event(i, "insert", key_of(i), {"k": i, "v": i, "big": "x", "s": "s"}, 100 + i, 700 + i) for i in range(3)]
    lab.land({table.name: rows for table in TABLES})
    for table in TABLES:
        lab.fold(table)
    return lab


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


def _stand_in(name: str):
    @asset(key=AssetKey(["transformed", name]))
    def folded() -> None:
        pass

    return folded


def defs(paths: LakePaths) -> Definitions:
    return Definitions(
        assets=[_stand_in(name) for name in CATALOG.names], asset_checks=[CHECK], executor=in_process_executor,
        schedules=[refold.every(CHECK, CATALOG, paths, CRON)],
        resources={"lake": LakeResource(root=str(paths.root)), "spark": spark_resource({})},
    )  # fmt: skip


def turn(paths: LakePaths, instance: DagsterInstance) -> AssetCheckEvaluation | str:
    """What the schedule asks for, done; the reason when it asks for nothing."""
    asked = refold.every(CHECK, CATALOG, paths, CRON)(build_schedule_context(instance=instance))
    if isinstance(asked, SkipReason):
        return str(asked.skip_message)
    job = defs(paths).resolve_job_def(refold.JOB).get_subset(asset_check_selection=set(asked.asset_check_keys))
    (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
    return evaluation


def test_every_table_has_its_turn_and_one_altered_by_hand_fails(lab: Lab, instance: DagsterInstance) -> None:
    DeltaTable(str(lab.paths.transformed("u"))).update(updates={"v": "7"}, predicate="k = 2")
    told = [turn(lab.paths, instance) for _ in range(3)]
    assert [(e.asset_key.path[-1], e.passed) for e in told] == [("t", True), ("u", False), ("t", True)]
    assert told[1].severity is AssetCheckSeverity.ERROR
    assert told[1].metadata["rows"].value == 2  # the row that is there, and the one that should be


def test_a_change_that_is_not_folded_yet_is_no_difference(lab: Lab, instance: DagsterInstance) -> None:
    lab.land({"t": [Event(3, "delete", key_of(1), None, 200, 800)]})
    assert turn(lab.paths, instance).passed


def test_what_cannot_be_compared_is_a_warning_with_its_reason(lab: Lab, instance: DagsterInstance) -> None:
    others = '{"key": [], "columns": {}}'
    lab.spark.sql(
        f"ALTER TABLE delta.`{lab.paths.transformed('t')}` SET TBLPROPERTIES ('lakehouse.shape' = '{others}')"
    )
    told = turn(lab.paths, instance)
    assert (told.passed, told.severity) == (False, AssetCheckSeverity.WARN)
    assert "lakehouse rebuild t" in str(told.description)


def test_nothing_is_asked_for_before_the_first_fold(tmp_path: Path, instance: DagsterInstance) -> None:
    assert turn(LakePaths(tmp_path), instance) == "nothing is folded yet"


def test_a_run_that_folds_does_not_fold_everything_anew(lab: Lab, instance: DagsterInstance) -> None:
    everything = defs(lab.paths).resolve_implicit_global_asset_job_def()
    part = everything.get_subset(
        asset_selection={AssetKey(["transformed", "t"])}, asset_check_selection={refold.key("t")}
    )
    result = part.execute_in_process(instance=instance)
    assert result.success
    assert result.get_asset_check_evaluations() == []
