"""Breaks each rule of the fold on purpose and sees a test fail: a suite that cannot fail proves nothing.

`make mutants`, or `python -m lakehouse_assets_tests.mutants NAME...` for some. Each mutant is one change of text in a
copy of the project; the tests named beside it must fail on it. Exit 1 when one survives or its text is not found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLD = "lakehouse_assets_tests/changelog/test_fold.py"
MERGE = "lakehouse_assets_tests/engine/test_transformed.py"
VALUES = "lakehouse_assets_tests/normalisation"
ENVELOPE = "lakehouse_assets_tests/changelog/test_envelope.py"


@dataclass(frozen=True)
class Mutant:
    """One rule broken: in `file`, `old` becomes `new`; `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant("a delete is ignored", "changelog/fold.py", "(last.op = '{Op.DELETE}' OR {gone})", "({gone})", FOLD),
    Mutant("a truncate is ignored", "engine/survey.py", "if not found.truncates:", "if True:", FOLD),
    Mutant("a truncate removes what came after", "changelog/fold.py", "WHERE position > {events.truncate_at}",
           "WHERE position < {events.truncate_at}", FOLD),
    Mutant("a replayed truncate counts", "engine/survey.py", "if position in first_deliveries", "", FOLD),
    Mutant("a snapshot generation removes nothing", "engine/survey.py",
           "if found.finished_at is None and not found.moves:", "if True:", FOLD),
    Mutant("a generation starts at its last row", "engine/survey.py",
           "opened[1] if opened and opened[0] == row.taken else row.position", "row.position", FOLD),
    Mutant("an unfinished generation removes", "engine/survey.py", "snapshot IN {_LAST} AS last,", "true AS last,", FOLD),
    Mutant("rows in the target outlive a generation", "changelog/merge.py",
           "WHEN NOT MATCHED BY SOURCE AND t._position < {oldest} THEN DELETE", "", MERGE),
    Mutant("LSN orders changes", "changelog/fold.py",
           "max_by(struct(position, lsn, tx_id, op, committed_at, key, after), position)",
           "max_by(struct(position, lsn, tx_id, op, committed_at, key, after), lsn)", FOLD),
    Mutant("the placeholder is let through", "changelog/fold.py", "AND NOT ({text} <=> '{UNAVAILABLE}')", "", FOLD),
    Mutant("an unavailable value becomes NULL", "changelog/merge.py",
           "WHEN s.{kept(c)} AND t._position >= s._floor THEN", "WHEN false THEN", MERGE),
    Mutant("a dead row's value comes back", "changelog/fold.py",
           "coalesce(greatest(ended_at, missed_at), -1)", "-1", FOLD),
    Mutant("a moved row's value is not looked for", "engine/survey.py", "if not found.moves:", "if True:", FOLD),
    Mutant("replays inside a batch count", "changelog/fold.py", "WHERE delivery = 1", "WHERE delivery >= 1", FOLD),
    Mutant("replays of earlier batches count", "changelog/fold.py", "if events.replay_lsns is not None:", "if False:", FOLD),
    Mutant("a change of the same transaction counts as a replay", "changelog/fold.py",
           '"tx_id, lsn, op, shiftright(position, 40), "', '"tx_id, op, shiftright(position, 40), "', FOLD),
    Mutant("the range begins one too late", "changelog/fold.py", "position > {events.applied} AND position <= {events.target}",
           "position > {events.applied} + 1 AND position <= {events.target}", FOLD),
    Mutant("the range ends one too early", "changelog/fold.py", "position > {events.applied} AND position <= {events.target}",
           "position > {events.applied} AND position < {events.target}", FOLD),
    Mutant("the position is outside the commit", "engine/transformed.py",
           '"spark.databricks.delta.write.txnVersion": str(target),', "", MERGE),
    Mutant("a second writer is not refused", "engine/transformed.py",
           '"spark.databricks.delta.write.txnAppId": FOLD_APP,', '"spark.databricks.delta.write.txnAppId": note,', MERGE),
    Mutant("a decimal is rounded", "normalisation/encodings.py", "WHEN {plain} AND {exact} THEN", "WHEN {plain} THEN", VALUES),
    Mutant("an infinite date is a day", "normalisation/encodings.py",
           "CASE WHEN {days} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN", "CASE WHEN true THEN", VALUES),
    Mutant("another table's message is taken", "changelog/envelope.py",
           "concat(e.source.schema, '.', e.source.`table`) <=> {expected_table}", "true", ENVELOPE),
)  # fmt: skip


def main(names: list[str]) -> int:
    """Try every mutant (or the named ones); the number that survived, as an exit code."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="lakehouse-mutants-") as folder:
        for mutant in chosen:
            since = time.monotonic()
            verdict = _try(mutant, Path(folder) / "project")
            survivors += verdict != "killed"
            print(f"{verdict:9} {mutant.name} ({time.monotonic() - since:.0f} s)", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def _try(mutant: Mutant, copy: Path) -> str:
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("lakehouse_assets", "lakehouse_assets_tests", "infra"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "lakehouse.toml"):
        shutil.copy(PROJECT / name, copy / name)
    file = copy / "lakehouse_assets" / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        return "NOT FOUND"
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", mutant.tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    # 1 is failed tests; anything else (no tests, a broken import) proves nothing.
    return {0: "SURVIVED", 1: "killed"}.get(done.returncode, f"exit {done.returncode}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
