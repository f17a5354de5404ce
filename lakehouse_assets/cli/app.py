"""The `lakehouse` command: its words in the order a newcomer needs them, and how errors are told."""

from __future__ import annotations

import errno
import os
from typing import Any

import click
from rich.console import Console

from lakehouse_assets.cli import demo as demo_words
from lakehouse_assets.cli import discovery, drift, lake, project, proof, source, stack, values
from lakehouse_assets.cli.context import edge
from lakehouse_assets.errors import EXIT_INTERRUPTED, LakehouseError

WORDS = (
    stack.up, stack.down, stack.status, stack.doctor, stack.env, source.seed, source.simulate, lake.sync, lake.query,
    lake.run, lake.check_cases, demo_words.demo, proof.verify, proof.explain, proof.repair, proof.backfill, proof.recover, lake.allow,
    project.init, discovery.discover, drift.plan,
    values.dictionary, values.quarantine, values.rebuild, values.keys,
    stack.connector, stack.engine, stack.clean, stack.docs,
)  # fmt: skip

_NOT_YOURS = (
    "as whom was the stack started? its files are theirs: use that user, or set LAKEHOUSE_HOME to a folder of yours"
)
_FULL = "free some space, or set LAKEHOUSE_HOME, LAKEHOUSE_LAKE or LAKEHOUSE_CACHE to a folder on another disk"
_NEXT_STEPS = {errno.EACCES: _NOT_YOURS, errno.EPERM: _NOT_YOURS, errno.ENOSPC: _FULL, errno.EDQUOT: _FULL}


class Words(click.Group):
    """The group that keeps its words in order and turns what goes wrong into two lines and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the word; errors are told without a trace unless --debug is given."""
        try:
            return super().invoke(ctx)
        except (LakehouseError, OSError) as error:
            if ctx.params.get("debug") or _is_of_the_reader(error):
                raise
            told = error if isinstance(error, LakehouseError) else _of_the_system(error)
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {told.text()}", markup=False)
            ctx.exit(told.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted; `lakehouse` tells what runs and what to do next", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def _is_of_the_reader(error: Exception) -> bool:
    """Whether what reads our output has gone, as `head` does; click ends in silence then."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _of_the_system(error: OSError) -> LakehouseError:
    """What the system refused: the file, its reason, and what mends it."""
    where = "" if error.filename is None else os.fsdecode(error.filename)
    next_step = _NEXT_STEPS.get(error.errno or 0, "lakehouse --debug before the word shows where it comes from")
    return LakehouseError(error.strerror or str(error) or type(error).__name__, where=where, next_step=next_step)


@click.group(cls=Words, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
@click.version_option(package_name="lakehouse-assets")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """PostgreSQL changes, carried to a lake that is proven equal to its source.

    Start with `lakehouse demo`. Exit codes: 0 done, 1 failed, 2 usage, 3 a data check failed, 130 interrupted.
    Settings are LAKEHOUSE_* variables; docs/settings.md lists them. Without a word it says what to do next.
    Tab completes words, options and names of tables after: eval "$(_LAKEHOUSE_COMPLETE=bash_source lakehouse)" (or zsh_, fish_).
    """
    if ctx.invoked_subcommand is None:
        from lakehouse_assets.cli.present import present

        how, following = present(edge())
        click.echo(f"{ctx.get_help()}\n\nnow:  {how}\nnext: {following}")


for word in WORDS:
    cli.add_command(word)


def main() -> None:
    """The console script."""
    cli(prog_name="lakehouse")
