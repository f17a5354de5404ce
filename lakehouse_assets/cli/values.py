"""Words about values: dictionary, quarantine, rebuild, keys."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Shown

from lakehouse_assets.catalog.rules import Rule, parse_rule
from lakehouse_assets.cli.catalog_text import offer, with_rules
from lakehouse_assets.cli.completion import source_tables
from lakehouse_assets.cli.context import Edge, edge, say
from lakehouse_assets.errors import EXIT_USAGE, ConfigurationError, LakehouseError

if TYPE_CHECKING:
    from lakehouse_assets.catalog import Column, Table
    from lakehouse_assets.engine.proposal import Profile
    from lakehouse_assets.engine.rebuild import Rebuilt
    from lakehouse_assets.engine.values import Value


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON array on standard output.")
@click.pass_context
def dictionary(ctx: click.Context, as_json: bool) -> None:
    """Show how every column of every table is read: type, rule, who chose it, protection.

    The catalog's rule counts first, then the source's type, then the column's name. docs/normalisation.md has the rules.
    """
    if ctx.invoked_subcommand:
        return
    rows = [_entry(table, column) for table in edge().catalog.tables for column in table.columns]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for table in edge().catalog.tables:
        shown = Shown("column", "type", "rule", "chosen by", "protected", title=table.name, title_justify="left")
        for row in rows:
            if row["table"] == table.name:
                shown.add_row(*(escape(str(row[k] or "")) for k in ("column", "type", "rule", "chosen_by", "protect")))
        Console().print(shown)


def _entry(table: Table, column: Column) -> dict[str, Any]:
    return {
        "table": table.name,
        "column": column.name,
        "type": column.type.text,
        "rule": _rule_text(column.rule),
        "chosen_by": column.why,
        "protect": str(column.protect) if column.protect else None,
    }


def _rule_text(rule: Rule | None) -> str | None:
    """A rule's name and the options that are not its defaults."""
    if rule is None:
        return None
    usual = asdict(type(rule)())
    given = {k: v for k, v in asdict(rule).items() if v != usual[k] and k != "instant"}
    return f"{rule.name} {', '.join(f'{k}={_plain(v)}' for k, v in given.items())}".strip()


def _plain(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


@dictionary.command()
@click.argument("column", metavar="TABLE.COLUMN")
@click.argument("text")
def explain(column: str, text: str) -> None:
    """Show how TEXT would be read in a column: value, status, and the clause that read it.

    For example: lakehouse dictionary explain boletos.valor "R$ 1.234,56"
    """
    here = edge()
    found = _column(here, column)
    if found.rule is None:
        raise LakehouseError(
            f"no rule reads it{f' ({found.why})' if found.why else ''}",
            where=column,
            next_step="lakehouse dictionary",
            exit_code=EXIT_USAGE,
        )
    (value,) = _read(here, [(text, found.rule)])
    sentence = _sentence(found.rule, value.clause)
    for name, told in (("rule", _rule_text(found.rule)), ("chosen by", found.why), ("value", value.value), ("status", value.status), ("clause", f"{value.clause}: {sentence}")):  # fmt: skip
        click.echo(f"{name:10}{'NULL' if told is None else told}")


@dictionary.command(name="try")
@click.option("--rule", "rule_text", metavar="JSON", help='The rule, for example \'{"rule": "date", "order": "dmy"}\'.')
@click.option("--json", "as_json", is_flag=True, help='Lines are {"text": ..., "rule": {...}}; answers are JSON lines.')
def try_rule(rule_text: str | None, as_json: bool) -> None:
    """Read values from standard input, one a line, and print value, status and clause of each.

    Nothing is written anywhere. Answers come in the order of the lines; a summary goes to standard error.
    """
    given = _parsed(rule_text, "--rule") if rule_text else None
    if given is None and not as_json:
        raise LakehouseError(
            "no rule",
            where="dictionary try",
            next_step="--rule JSON, or --json with a rule on each line",
            exit_code=EXIT_USAGE,
        )
    lines = sys.stdin.read().split("\n")
    lines = lines[:-1] if lines and not lines[-1] else lines
    texts = _json_lines(lines, given) if as_json else [(line.removesuffix("\r"), given) for line in lines]
    read = _read(edge(), [(text, rule) for text, rule in texts if rule is not None])
    for (text, _), value in zip(texts, read, strict=True):
        if as_json:
            click.echo(json.dumps({"text": text, **value._asdict()}, ensure_ascii=False))
        else:
            click.echo(f"{'NULL' if value.value is None else value.value}\t{value.status}\t{value.clause}\t{text}")
    say(", ".join(f"{status} {n}" for status, n in Counter(value.status for value in read).most_common()) or "no lines")


def _json_lines(lines: list[str], given: Rule | None) -> list[tuple[str | None, Rule | None]]:
    problems: list[str] = []
    found: list[tuple[str | None, Rule | None]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            text, rule = entry["text"], entry.get("rule")
            if text is not None and not isinstance(text, str):
                raise ValueError("text must be a text or null")
            parsed = given if rule is None else _parsed(rule, f"line {number}")
        except ConfigurationError as error:
            problems += [f"line {number}: {problem}" for problem in error.problems]
            continue
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"line {number}: not an object with text and rule ({error})")
            continue
        if parsed is None:
            problems.append(f"line {number}: no rule")
        found.append((text, parsed))
    if problems:
        raise ConfigurationError(problems, where="standard input")
    return found


def _parsed(rule: object, where: str) -> Rule:
    """A rule from JSON text or its object; `none` is none to try."""
    if isinstance(rule, str) and rule.lstrip().startswith("{"):
        try:
            rule = json.loads(rule)
        except ValueError as error:
            raise ConfigurationError([f"not JSON: {error}"], where=where) from None
    parsed = parse_rule(rule)
    if isinstance(parsed, list):
        raise ConfigurationError(parsed, where=where)
    if parsed is None:
        raise ConfigurationError(["rule none reads nothing"], where=where)
    return parsed


@dictionary.command()
@click.argument("table", shell_complete=source_tables)
@click.option("--write", is_flag=True, help="Change the catalog; without it, only the difference is shown.")
def propose(table: str, write: bool) -> None:
    """Profile a table's text columns in raw, and propose rules for the catalog as a difference to review.

    Counts each status under each candidate. The data only propose: the rule that counts is the one in the catalog.
    """
    here = edge()
    chosen = here.table(table)
    columns = tuple(
        c
        for c in chosen.other_columns
        if c.type.text.split("(")[0] in ("text", "varchar", "char", "citext") and not c.protect
    )
    from lakehouse_assets.engine.proposal import profile, require_in_raw
    from lakehouse_assets.sessions import spark

    require_in_raw(chosen, here.paths)
    with spark(here.settings, here.links, say) as session:
        profiles = profile(session, chosen, here.paths, columns, say)
    for found in profiles:
        _show_profile(found)
    before = here.settings.catalog.read_text(encoding="utf-8")
    if not offer(here, before, with_rules(before, chosen, profiles), write=write):
        click.echo("nothing to change")
    elif write:
        say(f"written; next: lakehouse up, then lakehouse rebuild {table}")
    else:
        say("nothing was written; --write does it")


def _show_profile(found: Profile) -> None:
    shown = Shown(
        "rule",
        "ok",
        "assumed",
        "ambiguous",
        "invalid",
        "other",
        "null words",
        title=f"{found.column.name}: {found.texts} texts",
        title_justify="left",
    )
    for candidate in found.candidates[:5]:
        counts = dict(candidate.statuses)
        cells = [counts.pop(name, 0) for name in ("ok", "assumed", "ambiguous", "invalid", "null word")]
        options = {k: v for k, v in candidate.entry.items() if k != "rule"}
        name = f"{candidate.entry['rule']} {json.dumps(options) if options else ''}"
        shown.add_row(escape(name), *map(str, (*cells[:4], sum(counts.values()), cells[4])))
    Console().print(shown)


@click.command()
@click.argument("table", required=False, shell_complete=source_tables)
@click.option("--resolved", is_flag=True, help="The entries that were closed, in place of the open ones.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Entries listed of TABLE.")
@click.option("--json", "as_json", is_flag=True, help="Every entry as one JSON array.")
def quarantine(table: str | None, resolved: bool, limit: int, as_json: bool) -> None:
    """Show the cells that could not be stored, grouped by clause; with TABLE also the newest entries themselves.

    Texts are shown as their column is protected. An entry closes by itself when the source corrects the value or the
    rule reads it.
    """
    from lakehouse_assets.cli.answers import render
    from lakehouse_assets.engine.reader import open_lake

    here = edge()
    if table:
        here.table(table)
    where = f"resolved_position IS {'NOT ' if resolved else ''}NULL" + (f" AND table_name = '{table}'" if table else "")
    with open_lake(here.paths) as lake:
        if "quarantine" not in lake.tables:
            click.echo("[]" if as_json else "the quarantine is empty")
            return
        entries = f"SELECT * EXCLUDE (resolved_position) FROM quarantine WHERE {where} ORDER BY position DESC, key, column_name"
        if as_json:
            render(lake.query(entries), "json")
            return
        render(
            lake.query(
                "SELECT table_name AS \"table\", column_name AS \"column\", status, clause, count(*) AS cells, min(raw) AS example "
                f"FROM quarantine WHERE {where} GROUP BY ALL ORDER BY cells DESC, 1, 2, 3, 4"
            ),
            "table",
        )  # fmt: skip
        if table:
            render(lake.query(f"{entries} LIMIT {limit}"), "table")


@click.command()
@click.argument("table", required=False, shell_complete=source_tables)
@click.option("--all", "every", is_flag=True, help="Every table of the catalog.")
@click.option("--column", help="Only the cells of this column may change.")
@click.option(
    "--as-of", metavar="POSITION|TIME", help="What the table was at a position or a commit time; needs --into."
)
@click.option(
    "--into", type=click.Path(path_type=Path, resolve_path=True), help="Write to a new folder; the lake stays as it is."
)
def rebuild(table: str | None, every: bool, column: str | None, as_of: str | None, into: Path | None) -> None:
    """Fold a table from raw alone, by the catalog's rules of now, and tell which cells changed from which status to which.

    The table is replaced in one commit and stands at the position where it stood. Needed after a rule was changed.
    With --into it is written as a Delta table of its own, as it is now or was --as-of a moment still in raw.
    """
    from lakehouse_assets.engine import rebuild as fold
    from lakehouse_assets.keys import load_keys
    from lakehouse_assets.sessions import spark

    here = edge()
    tables = _rebuilt_tables(here, table, every, column, as_of, into)
    moment = _moment(as_of) if as_of else None
    with spark(here.settings, here.links, say) as session:
        for chosen in tables:
            say(f"folding {chosen.name} from raw")
            if into:
                place = into / chosen.name if every else into
                done = fold.rebuild_into(session, chosen, here.paths, place, load_keys(here.settings), moment)
                click.echo(f"{chosen.name}: {done.rows_after} rows at position {done.position}, in {place}")
            else:
                _show_rebuilt(fold.rebuild(session, chosen, here.paths, load_keys(here.settings), column))


def _rebuilt_tables(
    here: Edge, table: str | None, every: bool, column: str | None, as_of: str | None, into: Path | None
) -> tuple[Table, ...]:
    wrong = (
        ("name a table, or --all", bool(table) == every),
        ("--as-of needs --into: the lake itself is never set back", bool(as_of) and not into),
        ("--column cannot be combined with --into or --all", bool(column) and (bool(into) or every)),
    )
    for problem, is_wrong in wrong:
        if is_wrong:
            raise LakehouseError(problem, where="rebuild", next_step="lakehouse rebuild --help", exit_code=EXIT_USAGE)
    if not table:
        return here.catalog.tables
    chosen = here.table(table)
    if column and column not in [c.name for c in chosen.judged_columns]:
        names = ", ".join(c.name for c in chosen.judged_columns) or "none"
        raise LakehouseError(
            f"{column} is not read by a rule", where=table, next_step=f"columns: {names}", exit_code=EXIT_USAGE
        )
    return (chosen,)


def _moment(text: str) -> int | datetime:
    """A position, or a time; one without an offset is UTC."""
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LakehouseError(
            f"{text!r} is neither a position nor a time",
            where="--as-of",
            next_step="for example 2026-01-31T10:00:00Z",
            exit_code=EXIT_USAGE,
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show_rebuilt(done: Rebuilt) -> None:
    click.echo(f"{done.table}: {done.rows_before} rows before, {done.rows_after} after, at position {done.position}")
    for (name, was, now), cells in sorted(done.changed.items()):
        click.echo(f"  {name}: {was} -> {now}: {cells} cells")
    if not done.changed:
        click.echo("  no cell changed")


@click.group()
def keys() -> None:
    """The keys of protected columns. They are never printed."""


@keys.command(name="new")
@click.argument("kid", required=False)
def new_key(kid: str | None) -> None:
    """Make a key named KID (default: k1, k2, ...) and append it to the stack's key file.

    It makes new tokens from the next run on; what older keys made can still be read while they are in the file.
    Tokens of one value differ between keys: `lakehouse rebuild TABLE` makes them equal again.
    """
    from lakehouse_assets.keys import add_key, keys_file, load_keys

    settings = edge().settings
    names = {key.kid for key in load_keys(settings).live}
    free = next(name for n in range(1, len(names) + 2) if (name := f"k{n}") not in names)
    key = add_key(settings, kid or free)
    click.echo(f"made key {key.kid}, now the active one, in {keys_file(settings)}")


@keys.command(name="list")
def list_keys() -> None:
    """List the live keys by name, the active one last."""
    from lakehouse_assets.keys import load_keys

    live = load_keys(edge().settings)
    for key in live.live:
        click.echo(f"{key.kid}{'  active' if key is live.active else ''}")
    if not live.live:
        click.echo("no keys; lakehouse keys new makes one")


def _read(here: Edge, texts: list[tuple[str | None, Rule]]) -> list[Value]:
    from lakehouse_assets.engine.values import read_texts
    from lakehouse_assets.sessions import spark

    with spark(here.settings, here.links, say) as session:
        return read_texts(session, texts)


def _sentence(rule: Rule, clause: str) -> str:
    from lakehouse_assets.normalisation.dictionary import clauses

    return clauses(rule).get(clause, "")


def _column(here: Edge, name: str) -> Column:
    table, _, column = name.partition(".")
    found = here.table(table)
    if column not in [c.name for c in found.columns]:
        raise LakehouseError(
            f"no such column: {column or name}", where=f"catalog {table}",
            next_step=f"columns: {', '.join(c.name for c in found.columns)}", exit_code=EXIT_USAGE,
        )  # fmt: skip
    return found.column(column)
