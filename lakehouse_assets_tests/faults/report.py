"""What a run of the harness found, as JSON, and the page of evidence that is written from it."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from lakehouse_assets_tests.faults.judge import Counted
from lakehouse_assets_tests.faults.kinds import KINDS


@dataclass(frozen=True)
class Round:
    """One fault: its kind, how long it lasted, and how long after it all of the source was in refined (seconds)."""

    kind: str
    lasted: float
    recovery: float


@dataclass
class Report:
    """A whole run. `usual` are the seconds a recovery takes without any fault; `broken` names each promise that was."""

    seed: int
    budget: float
    commit: str
    began: str
    usual: float = 0.0
    rounds: list[Round] = field(default_factory=list)
    counted: Counted = field(default_factory=lambda: Counted(0, 0, 0, 0))
    versions_watched: int = 0
    regressions: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every promise held."""
        return not (self.broken or self.regressions)


def commit_of(project: Path) -> str:
    """The commit of the code, marked when files differ from it."""
    command = ["git", "-C", str(project), "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def to_json(report: Report) -> str:
    """The report as a program reads it."""
    return json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Report:
    """The inverse of `to_json`."""
    found = json.loads(text)
    rounds, counted = [Round(**one) for one in found.pop("rounds")], Counted(**found.pop("counted"))
    return Report(**found, rounds=rounds, counted=counted)


def page(report: Report) -> str:
    """docs/evidence.md."""
    recoveries = [one.recovery for one in report.rounds] or [0.0]
    counted = report.counted
    lines = [
        "# Evidence",
        "",
        "Written by `make faults` from `evidence.json`; changes here are lost.",
        "",
        "A real stack under mixed traffic (inserts, updates, deletes, COPY, changes of keys, long texts, truncates, long and",
        "interleaved transactions) is harmed at random. After each fault the lake is waited for and compared with the source,",
        "row for row; raw is counted, refined is reconciled, and every published version of transformed is looked at.",
        "",
        f"Commit {report.commit}, {report.began}, seed {report.seed}, {report.budget:.0f} s. "
        f"Again: `make faults BUDGET={report.budget:.0f} SEED={report.seed}`.",
        "",
        "| what | found |",
        "| --- | --- |",
        f"| faults | {len(report.rounds)}, of {len({one.kind for one in report.rounds})} of the {len(KINDS)} kinds |",
        f"| events in raw | {counted.events:,} |",
        f"| rows different, missing or too many; doubled in refined | {len(report.broken)} |",
        f"| messages missing in raw | {counted.missing} |",
        f"| messages stored twice in raw | {counted.stored_twice} |",
        f"| changes delivered again by the connector, recognised by the fold | {counted.delivered_again} |",
        f"| published rows or positions that went back in time | {len(report.regressions)}, in {report.versions_watched} versions |",
        f"| recovery without a fault | {report.usual:.0f} s |",
        f"| recovery after a fault, median and longest | {median(recoveries):.0f} s, {max(recoveries):.0f} s |",
        "",
        "Recovery is from the end of the fault until all that was committed by then is in refined.",
        "",
        "| fault | times | lasted, longest (s) | recovery, median (s) | longest (s) |",
        "| --- | --- | --- | --- | --- |",
        *(_line(kind, rounds) for kind, rounds in _by_kind(report)),
    ]
    if not report.sound:
        lines += ["", "## Broken", "", *(f"* {sentence}" for sentence in (*report.broken, *report.regressions))]
    return "\n".join(lines) + "\n"


def _by_kind(report: Report) -> list[tuple[str, list[Round]]]:
    found: dict[str, list[Round]] = defaultdict(list)
    for one in report.rounds:
        found[one.kind].append(one)
    return sorted(found.items())


def _line(kind: str, rounds: list[Round]) -> str:
    recoveries = [one.recovery for one in rounds]
    longest = max(one.lasted for one in rounds)
    return f"| {kind} | {len(rounds)} | {longest:.0f} | {median(recoveries):.0f} | {max(recoveries):.0f} |"
