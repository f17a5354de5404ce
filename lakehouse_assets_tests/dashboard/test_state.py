"""Where the lake stands is told from its logs; nothing that is down raises."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import state
from lakehouse_assets.progress import freshness
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.defs import small_lake


def settings(words: dict[str, str], root: Path) -> Settings:
    return load_settings(words | {"LAKEHOUSE_LAKE": str(root)})


def test_a_lake_that_is_not_there_is_unreachable(words: dict[str, str], tmp_path: Path) -> None:
    assert state.pulse(settings(words, tmp_path / "nowhere")).lake == state.UNREACHABLE
    (tmp_path / "file").write_text("no folder")
    assert state.pulse(settings(words, tmp_path / "file")).lake == state.UNREACHABLE


def test_a_lake_grows_from_empty_to_ready(words: dict[str, str], tmp_path: Path) -> None:
    look = settings(words, tmp_path)
    assert state.pulse(look).lake == state.EMPTY
    small_lake.land(LakePaths(tmp_path), "boletos", range(3))
    assert state.pulse(look).lake == state.BUILDING
    lake.make(tmp_path)
    found = state.pulse(look)
    assert (found.lake, found.running, found.late) == (state.READY, False, ())
    assert {stand.name for stand in found.stands} == {
        "quarantine", "transformed.boletos", *(f"refined.{name}" for name in lake.REFINED),
    }  # fmt: skip


def test_a_new_commit_and_a_lake_made_anew_are_another_stand(words: dict[str, str], tmp_path: Path) -> None:
    look = settings(words, tmp_path)
    paths = lake.make(tmp_path)
    first = state.pulse(look).stands
    assert state.pulse(look).stands == first
    lake.write(paths.refined("inadimplencia"), lake.DEBT, lake.DEBTS, inputs={"boletos": 7})
    second = state.pulse(look).stands
    assert second != first
    log = paths.refined("inadimplencia") / "_delta_log"
    os.utime(log / f"{1:020d}.json", ns=(1, 1))
    assert state.pulse(look).stands != second


def test_changes_that_wait_too_long_are_late(words: dict[str, str], tmp_path: Path, monkeypatch) -> None:
    paths = lake.make(tmp_path)
    small_lake.land(paths, "boletos", range(7, 9))
    assert state.pulse(settings(words, tmp_path)).late == (), "they have just arrived"
    monkeypatch.setattr(freshness, "LATE_SECONDS", -1)
    time.sleep(0.01)
    assert state.pulse(settings(words, tmp_path)).late == ("boletos",)


def test_a_fold_that_refined_lacks_is_told_of_each_table(tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    lake.write(paths.transformed("boletos"), lake.BILL, lake.BILLS, fold=8)
    behind = {one.name: one.behind for one in freshness.refined_states(paths, tuple(lake.REFINED))}
    assert behind == dict.fromkeys(lake.REFINED, ("boletos",))


def test_a_stack_that_is_down_is_told_part_by_part(words: dict[str, str], catalog: Catalog) -> None:
    seen = state.platform(load_settings(words), catalog)
    assert seen
    assert {service.state for service in seen.status.services} == {"down"}
    assert seen.status.sensor.state == "unknown"
    assert [(lag.unread, lag.unapplied) for lag in seen.status.tables] == [(None, 0)] * 5
    assert seen.webserver_url == "http://127.0.0.1:19966"


def test_the_page_loads_neither_spark_nor_dagster_nor_a_jvm() -> None:
    code = (
        "import sys; from lakehouse_assets.dashboard import data, quality, state, session, charts, downloads;"
        "print(sorted({'pyspark', 'dagster', 'delta', 'py4j'} & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
