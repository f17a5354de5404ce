"""Counts of what could be read, without a text of a protected column."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import quality
from lakehouse_assets.dashboard.quality import Reading, Reason
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets_tests.dashboard import lake

SEEN = datetime(2026, 3, 30, 11, tzinfo=UTC)


def test_statuses_of_the_columns_that_the_lake_holds(reader: LakeReader, catalog: Catalog) -> None:
    found = quality.readings(reader, catalog)
    assert found == [
        Reading("boletos", "valor", 5, 2, 1, {"invalid": 2}),
        Reading("boletos", "observacao", 4, 0, 5, {"decrypt_failed": 1}),
    ]
    assert [round(one.share, 3) for one in found] == [round(2 / 9, 3), 0.2]


def test_the_quarantine_by_reason(reader: LakeReader, catalog: Catalog) -> None:
    reasons, closed = quality.quarantine(reader, catalog)
    assert closed == 1
    assert [one._replace(since=one.since.astimezone(UTC)) for one in reasons] == [
        Reason("boletos", "valor", "invalid", "groups", 2, "1.23.4", SEEN),
        Reason("boletos", "observacao", "decrypt_failed", "decrypt", 1, None, SEEN),
    ]
    assert lake.SECRET not in repr(reasons)


def test_a_long_example_is_cut(tmp_path, catalog: Catalog) -> None:
    paths = LakePaths(tmp_path)
    lake.write(paths.quarantine, lake.ENTRY, [(*lake.ENTRIES[0][:3], "9" * 500, *lake.ENTRIES[0][4:])])
    with open_lake(paths) as reader:
        (reason,), _ = quality.quarantine(reader, catalog)
    assert reason.example == "9" * 39 + "…"


def test_a_lake_without_quarantine_has_nothing_in_it(tmp_path, catalog: Catalog) -> None:
    with open_lake(LakePaths(tmp_path)) as reader:
        assert quality.quarantine(reader, catalog) == ([], 0)
        assert quality.readings(reader, catalog) == []


@pytest.mark.parametrize(
    ("table", "verdict"), [("condominios", "equal"), ("boletos", "different"), ("transacoes", None)]
)
def test_what_is_proven(paths: LakePaths, catalog: Catalog, table: str, verdict: str | None) -> None:
    known = dict(quality.proofs(paths, catalog))[table]
    assert (known.verdict if known else None) == verdict
    if known and known.through:
        assert (known.through.at, known.through.left_out) == (lake.PROVEN, 2)
