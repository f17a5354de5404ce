"""Harms a real stack at random for a while and writes what it survived. Exit 1: a promise was broken, and which."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from lakehouse_assets_tests.faults.disk import small_disk
from lakehouse_assets_tests.faults.harness import harm
from lakehouse_assets_tests.faults.kinds import DISK_FULL, KINDS
from lakehouse_assets_tests.faults.report import page, to_json
from lakehouse_assets_tests.real_stack import running_stack

_LOGS = Path(".faults/logs")  # of a stack that broke a promise


@click.command(help=__doc__)
@click.option("--budget", default=1800.0, show_default=True, help="Seconds.")
@click.option("--seed", default=1, show_default=True, help="Which faults, in which order.")
@click.option("--only", multiple=True, type=click.Choice([kind.name for kind in KINDS]), help="Only these kinds.")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"), show_default=True,
              help="Where evidence.json and evidence.md are written.")  # fmt: skip
def main(budget: float, seed: int, only: tuple[str, ...], into: Path) -> None:
    """Run it on a stack of its own."""
    with small_disk() as disk:
        kinds = [kind for kind in KINDS if (not only or kind.name in only) and (disk or kind.name != DISK_FULL)]
        with running_stack() as stack:
            report = harm(stack, kinds, seed, budget, click.echo, disk)
            if not report.sound:
                shutil.copytree(stack.settings.home / "logs", _LOGS, dirs_exist_ok=True)
    into.mkdir(parents=True, exist_ok=True)
    (into / "evidence.json").write_text(to_json(report), encoding="utf-8")
    (into / "evidence.md").write_text(page(report), encoding="utf-8")
    click.echo(page(report))
    sys.exit(0 if report.sound else 1)


if __name__ == "__main__":
    main()
