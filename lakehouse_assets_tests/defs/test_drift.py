"""A table whose source changed says so in its checks, and stops only where going on would be wrong."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import ExecuteInProcessResult

from lakehouse_assets.catalog import Table, load_catalog
from lakehouse_assets.catalog.model import Drift, LakePaths
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.defs import drift, transformed
from lakehouse_assets.defs.resources import PostgresResource
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.raw import create_raw
from lakehouse_assets_tests.catalog.shapes import declared, with_columns
from lakehouse_assets_tests.defs.running import metadata, run, verdicts
from lakehouse_assets_tests.engine.lab import append

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
IMOVEIS = CATALOG.table("imoveis")


def changed(found: SourceShape) -> PostgresResource:
    """A source that has the table as a test says."""

    class Changed(PostgresResource):
        def shape(self, table: Table) -> SourceShape:
            return found

    return Changed(dsn="")


@pytest.fixture
def paths(tmp_path, spark) -> LakePaths:
    found = LakePaths(tmp_path)
    create_raw(spark, found.raw)
    land(found, 0, {})
    return found


def land(paths: LakePaths, offset: int, more: dict[str, Any]) -> None:
    after = {"imovel_id": offset, "tipo": "casa", "condominio_id": 1, "valor": "1.00", **more}
    row = {
        "table_name": "imoveis", "op": "insert", "event_date": dt.date(2026, 3, 4), "position": offset,
        "kafka_offset": offset, "topic": "imoveis", "key": json.dumps({"imovel_id": offset}),
        "value": json.dumps({"after": after}), "lsn": 100 + offset, "tx_id": offset, "snapshot": "false",
    }  # fmt: skip
    append(paths, [row])


def fold(paths: LakePaths, found: SourceShape, policy: Drift = Drift.EVOLVE) -> ExecuteInProcessResult:
    catalog = replace(CATALOG, tables=(replace(IMOVEIS, drift=policy),))
    return run(paths, transformed.build(catalog), "transformed/imoveis", source=changed(found))


def severity(result: ExecuteInProcessResult) -> str:
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == drift.NAME]
    return f"passed: {found.description}" if found.passed else f"{found.severity.value}: {found.description}"


def test_every_table_has_the_check_and_it_blocks_nothing() -> None:
    specs = {a.key.path[-1]: {s.name: s.blocking for s in a.check_specs} for a in transformed.build(CATALOG)}
    assert {name: found[drift.NAME] for name, found in specs.items()} == dict.fromkeys(CATALOG.names, False)


def test_a_table_that_follows_its_source_passes_and_shows_its_columns(paths: LakePaths) -> None:
    source = with_columns(declared(IMOVEIS), andar="integer")
    fold(paths, source)
    land(paths, 1, {"andar": 3})
    result = fold(paths, source)
    assert set(verdicts(result).values()) == {True}
    shown = metadata(result, "transformed/imoveis")
    assert "andar" in [column.name for column in shown["dagster/column_schema"].columns]
    assert "| 1 | casa | 1 | 1.00 | 3 |" in shown["preview"]


def test_a_frozen_table_warns_and_goes_on(paths: LakePaths) -> None:
    result = fold(paths, with_columns(declared(IMOVEIS), andar="integer"), Drift.FREEZE)
    assert result.success
    assert severity(result).startswith("WARN: andar (integer) is in the source, not in the catalog; next: write andar")


def test_a_column_that_is_held_back_fails_its_check(paths: LakePaths) -> None:
    fold(paths, declared(IMOVEIS))
    land(paths, 1, {"valor": 19724})
    result = fold(paths, with_columns(declared(IMOVEIS), valor="date"))
    assert result.success
    assert severity(result).startswith("ERROR: ")
    assert 'write valor = "date"' in severity(result)
    assert verdicts(result)[transformed.STORABLE] is False


def test_a_source_that_is_away_is_a_warning_and_the_fold_goes_on(paths: LakePaths) -> None:
    away = PostgresResource(dsn="postgresql://a:b@127.0.0.1:1/c")
    result = run(paths, transformed.build(CATALOG), "transformed/imoveis", source=away)
    assert result.success
    assert severity(result).startswith("WARN: the source could not be asked: ")
    assert folded(paths, "imoveis").applied == 0


def test_a_changed_key_fails_the_run_and_folds_nothing(paths: LakePaths) -> None:
    fold(paths, declared(IMOVEIS))
    land(paths, 1, {})
    result = fold(paths, replace(declared(IMOVEIS), key=("imovel_id", "tipo")))
    assert not result.success
    assert folded(paths, "imoveis").applied == 0
