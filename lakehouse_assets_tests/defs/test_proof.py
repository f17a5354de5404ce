"""The check tells what a verification found, fails only softly when there was none, and stays out of runs that fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import (
    AssetCheckKey,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    Definitions,
    asset,
    in_process_executor,
)  # fmt: skip

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.defs import proof, transformed
from lakehouse_assets.defs.resources import LakeResource
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.proof import Difference, TableProof
from lakehouse_assets.proof.verification import Through, Verification, Verified

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
THROUGH = Through("2026-01-31T11:00:00.000+00:00", "0/1", 0)


def found(names: Sequence[str], **wrong: TableProof) -> Verification:
    proofs = [wrong.get(name, TableProof(name, CATALOG.table(name).key, 10, 10)) for name in names]
    known = {p.table: Verified(THROUGH, p.verdict, AT.isoformat()) for p in proofs}
    return Verification(AT, "0/2", proofs, known)


def run(tmp_path: Path, verify: proof.Verify, *names: str, folds: bool = False):
    """Run the check of the named tables, all of them in the job of the schedule, as Dagster would."""
    check = proof.build(CATALOG, verify)
    assets = [_stand_in(name) for name in CATALOG.names]
    job = proof.schedule(check, "*/15 * * * *").job
    defs = Definitions(
        assets=assets, asset_checks=[check], jobs=[job], executor=in_process_executor,
        resources={"lake": LakeResource(root=str(tmp_path))},
    )  # fmt: skip
    with DagsterInstance.ephemeral() as instance:
        if not names:
            return defs.resolve_job_def(proof.JOB).execute_in_process(instance=instance)
        keys = [transformed.key(name) for name in names]
        everything = defs.resolve_implicit_global_asset_job_def()
        part = everything.get_subset(
            asset_selection=set(keys) if folds else None,
            asset_check_selection={AssetCheckKey(key, proof.NAME) for key in keys},
        )
        return part.execute_in_process(instance=instance)


def _stand_in(name: str):
    @asset(key=AssetKey(["transformed", name]))
    def folded() -> None:
        pass

    return folded


def test_one_verification_answers_for_every_table(tmp_path):
    calls = []
    result = run(tmp_path, lambda names, say: (calls.append(list(names)), found(names))[1])
    evaluations = result.get_asset_check_evaluations()
    assert calls == [sorted(CATALOG.names)]
    assert {e.asset_key.path[-1] for e in evaluations} == set(CATALOG.names)
    assert all(e.passed for e in evaluations)
    shown = {name: value.value for name, value in evaluations[0].metadata.items()}
    assert (shown["source_rows"], shown["lsn"], shown["verified_through_lsn"]) == (10, "0/2", "0/1")
    assert shown["verified_through"] == datetime.fromisoformat(THROUGH.at).timestamp()
    assert shown["verified_seconds_ago"] > 0


def test_a_difference_is_an_error_that_names_keys_and_columns(tmp_path):
    wrong = TableProof("imoveis", ("imovel_id",), 10, 10, 1, 0, 1, [("7",)], [], [Difference(("9",), ("valor",))])
    result = run(tmp_path, lambda names, say: found(names, imoveis=wrong))
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert failed.severity is AssetCheckSeverity.ERROR
    assert failed.description == "1 missing, 0 extra, 1 different"
    assert failed.metadata["keys"].value == {
        "missing": [["7"]], "extra": [], "different": [{"key": ["9"], "columns": ["valor"]}],
    }  # fmt: skip


def _down(names: Sequence[str], say: Callable[[str], None]) -> Verification:
    raise LakehouseError("the server does not answer", where="postgres", next_step="lakehouse up")


def _unproven(names: Sequence[str], say: Callable[[str], None]) -> Verification:
    return found(names, imoveis=TableProof("imoveis", ("imovel_id",), unproven="the server does not answer"))


@pytest.mark.parametrize("verify", [_down, _unproven])
def test_what_could_not_be_verified_is_a_warning_and_the_run_succeeds(tmp_path, verify):
    result = run(tmp_path, verify)
    assert result.success
    failed = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert {e.severity for e in failed} == {AssetCheckSeverity.WARN}
    assert "imoveis" in {e.asset_key.path[-1] for e in failed}
    assert all("does not answer" in str(e.description) for e in failed)


def test_one_tables_check_can_be_run_alone(tmp_path):
    calls = []
    result = run(tmp_path, lambda names, say: (calls.append(list(names)), found(names))[1], "imoveis")
    assert calls == [["imoveis"]]
    assert [e.asset_key.path[-1] for e in result.get_asset_check_evaluations()] == ["imoveis"]


def test_a_run_that_folds_does_not_verify(tmp_path):
    calls = []
    result = run(tmp_path, lambda names, say: calls.append(names), "imoveis", folds=True)
    assert result.success
    assert calls == []
    assert result.get_asset_check_evaluations() == []
