"""Breaks each rule of the lake on purpose and sees a test fail: a suite that cannot fail proves nothing.

`make mutants`, or `python -m lakehouse_assets_tests.mutants WORD...` for those whose name holds one of the words. Each
mutant is one change of text in a copy of the project; one of the tests named beside it must fail on it, and all of
them pass without it. Exit 1 when a mutant survives, or can no longer be made.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.engine.session import connect_config, local_session
from lakehouse_assets_tests.changelog.cases import BY_NAME
from lakehouse_assets_tests.spark import local_config

PROJECT = Path(__file__).parents[1]
WORKERS = 2
ENVELOPE = "changelog/test_envelope.py"
VALUES = "normalisation/test_encodings.py"
POSITIONS = "engine/test_positions.py"
REFINED = "engine/test_refined.py"
DELTA = "engine/test_transformed.py"
TOLD = "engine/test_versions.py"
BRAKE = "engine/test_brake.py"
ARRIVALS = "defs/test_arrivals.py"
VERIFY = "progress/test_verify.py"
DRIFT = "catalog/test_drift.py"
CANONICAL = "progress/test_canonical.py::test_every_value_of_a_type_is_equal_to_its_copy_and_to_no_other"


@dataclass(frozen=True)
class Mutant:
    """One rule broken: in `file`, `old` becomes `new`; one of `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def made_in(self, project: Path) -> str:
        """The mutated file; LookupError when its text is not there exactly once."""
        text = (project / "lakehouse_assets" / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {self.file} holds {text.count(self.old)} times: {self.old}")
        return text.replace(self.old, self.new)


def _fold(case: str) -> tuple[str, ...]:
    about = f"the_rule_about_the_whole_table[{case}]" if BY_NAME[case].whole_table else "every_rule_about_rows"
    return (f"changelog/test_fold.py::test_the_fold_keeps_{about}",)


def _told(case: str = "") -> tuple[str, ...]:
    name = (
        f"a_rule_about_the_whole_table_is_kept_by_the_history[{case}]"
        if case
        else "every_rule_about_rows_is_kept_by_the_history"
    )
    return (f"changelog/test_versions.py::test_{name}",)


def _at_once(case: str) -> tuple[str, ...]:
    return (f"changelog/test_fold.py::test_folding_the_whole_tables_changes_at_once_ends_the_same[{case}]",)


def _delta(name: str) -> tuple[str, ...]:
    return (f"{DELTA}::test_{name.replace(' ', '_')}",)


def _whole_table(case: str) -> tuple[str, ...]:
    return (f"{DELTA}::test_a_rule_about_the_whole_table_holds[{case}]",)


_LATER = '{snapshot.later("tx_id")}, position > {before})'
_RANGE = "position > {events.applied} AND position <= {events.target}"
FOLD = (
    Mutant("a delete is ignored", "changelog/fold.py", "(last.op = '{Op.DELETE}' OR {gone})", "({gone})",
           _fold("a delete removes it")),
    Mutant("a truncate is ignored", "engine/survey.py", "if not found.truncates:", "if True:",
           _fold("a truncate removes every row")),
    Mutant("a truncate removes what came after it", "changelog/fold.py", "WHERE position > {events.truncate_at}",
           "WHERE position < {events.truncate_at}", _fold("rows live that come after a truncate")),
    Mutant("a truncate that comes again counts", "engine/survey.py", "if position in first_deliveries", "",
           _fold("a truncate that comes again does nothing")),
    Mutant("what comes again after a truncate is new", "changelog/fold.py", _RANGE,
           "position > {max(events.applied, events.truncate_at or -1)} AND position <= {events.target}",
           _fold("rows from before a truncate do not come back in its own batch")),
    Mutant("a finished snapshot removes nothing", "engine/survey.py",
           "if found.finished_at is None and not found.moves:", "if True:",
           _fold("a finished snapshot removes the rows it did not see")),
    Mutant("a finished snapshot removes rows it saw", "changelog/fold.py",
           "gone = [generation.start for", "gone = [generation.end for",
           _fold("a finished snapshot of all rows removes none")),
    Mutant("a snapshot begins at its last row", "changelog/generations.py",
           "opened.position if opened and same else row.position", "row.position",
           _fold("a finished snapshot of all rows removes none")),
    Mutant("an unfinished snapshot removes", "changelog/generations.py", '("last", "last_in_data_collection")',
           '("last", "last_in_data_collection", "true")',
           _fold("a snapshot across batches removes when its last row comes, and not before")),
    Mutant("a table of one row ends another snapshot", "changelog/generations.py",
           "opened.position if opened and same else", "opened.position if opened else",
           _fold("a table of one row ends no snapshot that was left unfinished")),
    Mutant("LSN orders changes", "changelog/fold.py", "committed_at, key, after), position) AS last",
           "committed_at, key, after), lsn) AS last",
           _fold("the position orders, not the LSN: a transaction open across a snapshot streams later with a smaller LSN")),
    Mutant("the first change counts", "changelog/fold.py", '"max_by(struct(position, lsn', '"min_by(struct(position, lsn',
           _fold("the latest of several changes counts")),
    Mutant("unreadable messages are folded", "changelog/fold.py",
           "ROW_OPS = f\"op IN ('{Op.INSERT}'", "ROW_OPS = f\"op IN ('{Op.UNKNOWN}', '{Op.INSERT}'",
           _fold("a message that is unreadable is passed over")),
    Mutant("the range ends one too early", "changelog/fold.py", _RANGE,
           "position > {events.applied} AND position < {events.target}", _fold("an insert makes a row")),
    Mutant("the range begins one too late", "changelog/fold.py", _RANGE,
           "position > {events.applied} + 1 AND position <= {events.target}", _fold("an update changes it")),
    Mutant("the range begins one too early", "changelog/fold.py", _RANGE,
           "position >= {events.applied} AND position <= {events.target}",
           _fold("a batch begins after the last event of the one before, even when that is one that came again")),
)  # fmt: skip
UNAVAILABLE = (
    Mutant("the placeholder is let through", "changelog/fold.py", "AND NOT ({text} <=> {sql.text(column.type.unavailable)})", "",
           _fold("an unavailable value stays as it is")),
    Mutant("an unavailable value becomes NULL", "changelog/fold.py",
           '({_known(c)} IS NULL AND ended_at IS NULL) AS', "false AS", _fold("an unavailable value stays as it is")),
    Mutant("an unavailable value of the batch is not seen", "changelog/fold.py", 'genuine = f"op <>', 'genuine = f"false AND op <>',
           _fold("an unavailable value is that of the same batch")),
    Mutant("a deleted row's value comes back", "changelog/fold.py", " AND ended_at IS NULL) AS", ") AS",
           _fold("an unavailable value is not that of the key's earlier life")),
    Mutant("a value deleted in the batch comes back", "changelog/fold.py", "greatest(ended_at, missed_at)", "missed_at",
           _fold("an unavailable value is not that of the key's earlier life in the same batch")),
    Mutant("a value that a snapshot did not see comes back", "changelog/fold.py", "greatest(ended_at, missed_at)", "ended_at",
           _fold("the value of a row that a snapshot removed is not known any more in the same batch")),
    Mutant("a moved row's value is not looked for", "engine/survey.py", "if not found.moves:\n        return None",
           "if True:\n        return None", _fold("a changed key takes the unavailable value along")),
    Mutant("a moved row's value is looked for in its batch alone", "changelog/moves.py",
           'fold.events_of(raw, table, f"position <=', 'fold.events_of(raw, table, f"position > {events.applied} AND position <=',
           _fold("a changed key takes the unavailable value along")),
    Mutant("only the last key of a chain is followed", "changelog/moves.py", "parent[root(new)] = root(old)",
           "parent[root(new)] = root(old) if position > applied else root(new)",
           _fold("a chain of changed keys takes it along across batches")),
    Mutant("a moved row is lost", "changelog/merge.py", 'rows = f"{unmoved} UNION ALL', 'rows = unmoved or f"{unmoved} UNION ALL',
           _fold("a changed key takes the unavailable value along")),
    Mutant("a moved row is folded twice", "changelog/merge.py", "m ON m.key = o._key", "m ON m.key = o._op",
           _fold("a changed key takes the unavailable value along")),
    Mutant("a moved row forgets truncates", "changelog/moves.py", "WHEN e.op = '{Op.TRUNCATE}' THEN", "WHEN false THEN",
           _fold("a row that moved after a truncate keeps its value, and one truncated after it moved is gone")),
    Mutant("a moved row forgets snapshots", "changelog/moves.py", "if not events.generations:", "if True:",
           _fold("a row that a snapshot removed stays removed when its component moves again")),
    Mutant("a key change takes what a snapshot put", "changelog/moves.py", "'streamed', CASE WHEN {_same", "'streamed', CASE WHEN false AND {_same",
           _fold("a snapshot ahead of the stream does not lend a later row's value to a key change")),
    Mutant("a key change takes what is older than a snapshot", "changelog/moves.py", " AND e.lsn < {r}.taken THEN", " THEN",
           _fold("a change newer than the snapshot takes what the snapshot saw")),
)  # fmt: skip
REPLAYS = (
    Mutant("repetitions in a batch count", "changelog/fold.py", "WHERE delivery = 1", "WHERE delivery >= 1",
           _fold("a deleted row does not come back in its own batch")),
    Mutant("the last delivery counts", "changelog/fold.py", "{IDENTITY} ORDER BY position)", "{IDENTITY} ORDER BY position DESC)",
           _fold("a deleted row does not come back in its own batch")),
    Mutant("repetitions of earlier batches count", "changelog/fold.py", "if events.replay_lsns is not None:", "if False:",
           _fold("a deleted row does not come back")),
    Mutant("the log is not asked for repetitions", "engine/transformed.py", "lsns[0] <= state.max_lsn else", "lsns[0] > state.max_lsn else",
           _whole_table("rows from before a truncate do not come back with it")),
    Mutant("the highest LSN is forgotten", "engine/transformed.py", "max(state.max_lsn, lsns[1] if lsns else -1)", "-1",
           _whole_table("rows from before a truncate do not come back with it")),
    Mutant("another key's change is a repetition", "changelog/fold.py", " AND p.key = e.key", "",
           _fold("only a change of the same transaction, LSN, key and operation is a repetition")),
    Mutant("another operation is a repetition", "changelog/fold.py", " AND p.op = e.op", "",
           _fold("only a change of the same transaction, LSN, key and operation is a repetition")),
    Mutant("another transaction's change is a repetition", "changelog/fold.py", "AND p.tx_id = e.tx_id ", "AND true ",
           _fold("only a change of the same transaction, LSN, key and operation is a repetition")),
    Mutant("another LSN's change is a repetition", "changelog/fold.py", '"tx_id, lsn, op, shiftright', '"tx_id, op, shiftright',
           _fold("only a change of the same transaction, LSN, key and operation is a repetition")),
    Mutant("another epoch's change is a repetition", "changelog/fold.py", "AND shiftright(p.position, 40) = shiftright(e.position, 40)", "",
           _fold("the same transaction and LSN in a new epoch are another change")),
    Mutant("another epoch's change is a repetition in its batch", "changelog/fold.py", "op, shiftright(position, 40), ", "op, ",
           _at_once("the same transaction and LSN in a new epoch are another change")),
    Mutant("a change without LSN is a repetition", "changelog/fold.py", " AND tx_id IS NOT NULL AND lsn IS NOT NULL THEN", " THEN",
           _fold("a change without LSN or transaction is never a repetition")),
)  # fmt: skip
MERGE = (
    Mutant("rows in the table outlive a snapshot", "changelog/merge.py",
           "WHEN NOT MATCHED BY SOURCE AND t._position < {oldest} THEN DELETE", "",
           _whole_table("a snapshot across batches removes when its last row comes, and not before")),
    Mutant("a snapshot removes all it was not given", "changelog/merge.py", "BY SOURCE AND t._position < {oldest} THEN", "BY SOURCE THEN",
           _whole_table("a snapshot across batches removes when its last row comes, and not before")),
    Mutant("the table's value outlives a snapshot", "changelog/merge.py", " AND t._position >= s._floor ", " ",
           _whole_table("a row seen by a snapshot keeps its value when the snapshot ends in a later batch")),
    Mutant("the table's value does not stay", "changelog/merge.py", "WHEN s.{kept(column)} AND t._position >= s._floor ", "WHEN false ",
           _whole_table("a row seen by a snapshot keeps its value when the snapshot ends in a later batch")),
    Mutant("the MERGE removes no row", "changelog/merge.py", "WHEN MATCHED AND s._dead THEN DELETE", "",
           _delta("a fold counts what it did")),
    Mutant("the MERGE writes removed rows", "changelog/merge.py", "WHEN NOT MATCHED AND NOT s._dead THEN", "WHEN NOT MATCHED THEN",
           _delta("a fold counts what it did")),
    Mutant("half of a composite key matches", "changelog/merge.py", '" AND ".join(f"t.{sql.name(k)}', '" OR ".join(f"t.{sql.name(k)}',
           _delta("rows are told apart by keys of every kind")),
    Mutant("other tables' changes are folded", "changelog/fold.py", "FROM {raw} WHERE table_name = {sql.text(table.name)} AND {ROW_OPS}",
           "FROM {raw} WHERE {ROW_OPS}", _fold("an insert makes a row")),
    Mutant("the position is not in the commit", "engine/transformed.py", "for key, value in options.items():\n",
           "for key, value in [(k, v) for k, v in options.items() if 'txn' not in k]:\n",
           _delta("the applied position is in the commit that writes the rows")),
    Mutant("a second writer is not refused", "engine/transformed.py", '.write.txnAppId": app', '.write.txnAppId": app + note',
           _delta("a second writer of the same fold changes nothing")),
    Mutant("a key that cannot be stored is left out", "engine/transformed.py", "if name in unstorable:", "if False:",
           _delta("a key that its type cannot hold stops the fold with the column")),
)  # fmt: skip
MESSAGES = (
    Mutant("another table's message is taken", "changelog/envelope.py", "<=> {expected_table}", "IS NOT NULL", (ENVELOPE,)),
    Mutant("a message without key is taken", "changelog/envelope.py", "coalesce({has_key}, false)", "true", (ENVELOPE,)),
    Mutant("a message without row is taken", "changelog/envelope.py", "AND (e.op IN ('d', 't') OR e.after LIKE '{{%')", "", (ENVELOPE,)),
    Mutant("what follows a message is overlooked", "changelog/envelope.py", "json_array_length(concat('[', {text}, ']')) = 1", "true", (ENVELOPE,)),
    Mutant("an empty value is dropped", "changelog/envelope.py", "WHERE value IS NOT NULL", "WHERE length(value) > 0", (ENVELOPE,)),
    Mutant("bytes that are no UTF-8 are replaced", "changelog/envelope.py", "coalesce(try_validate_utf8(CAST({column} AS STRING)),",
           "coalesce(make_valid_utf8(CAST({column} AS STRING)),", (ENVELOPE,)),
)  # fmt: skip
TYPES = (
    Mutant("a decimal is rounded", "normalisation/encodings.py", "WHEN {plain} AND {exact} THEN", "WHEN {plain} THEN", (VALUES,)),
    Mutant("any number is a decimal", "normalisation/encodings.py", "WHEN {plain} AND {exact} THEN", "WHEN true THEN", (VALUES,)),
    Mutant("a decimal has no sign", "normalisation/encodings.py", "negative = \"left(_wide, 1) >= '8'\"", 'negative = "false"',
           (f"{VALUES}::test_a_value_is_decoded_exactly_or_has_a_reason",)),
    Mutant("an infinite day is out of range", "normalisation/encodings.py", '_INFINITE_DAYS))})"', "_INFINITE_DAYS[:2]))})\"", (VALUES,)),
    Mutant("every day is in range", "normalisation/encodings.py", "WHEN {days} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN",
           "WHEN {days} BETWEEN -2147483648 AND 2147483647 THEN", (VALUES,)),
    Mutant("milliseconds are microseconds", "catalog/types.py", '"Timestamp" if self.fraction_digits <= 3 else "MicroTimestamp"',
           '"MicroTimestamp"', (VALUES,)),
    Mutant("an instant's small digits are cut", "normalisation/encodings.py", "[.][0-9]{1,6}0*", "[.][0-9]+", (VALUES,)),
    Mutant("a line break may follow a number", "normalisation/reading.py", r"(?:{pattern})\z", r"(?:{pattern})$", (VALUES,)),
)  # fmt: skip
STANDING = (
    Mutant("a smaller position follows a greater one", "engine/positions.py",
           'max(positions.get(table, NOTHING), file.high["position"])', 'file.high["position"]', (POSITIONS,)),
    Mutant("commits after the cursor are missed", "engine/positions.py", "deltalog.commits(paths.raw, start.version, version)",
           "deltalog.commits(paths.raw, start.version + 1, version)", (POSITIONS,)),
    Mutant("the newest commit stands for the newest fold", "engine/positions.py", "if app in commit.transactions:",
           "if commit.transactions:", (POSITIONS,)),
    Mutant("an edited file is not computed again", "engine/refined.py", 'if note.get("statement") != statement_id(table):', "if False:",
           (f"{REFINED}::test_an_edited_file_is_behind_and_its_table_gets_the_new_columns",)),
    Mutant("a table is never behind its inputs", "engine/refined.py", "inputs[name] >= positions.get(name, NOTHING)", "True",
           (f"{REFINED}::test_a_table_is_behind_after_a_fold_until_it_is_computed_again",)),
    Mutant("a business table is as new as the source tables", "engine/refined.py", "if layer == REFINED:", "if False:",
           (f"{REFINED}::test_a_table_over_a_business_table_is_as_old_as_that_one",)),
)  # fmt: skip
PROOF = (
    Mutant("NaN is a number at the source", "gateways/postgres/canonical.py", "case when abs({{c}}) < 1e{precision - scale} and", "case when",
           (f"{CANONICAL}[running_postgres-numeric(15,2)]",)),
    Mutant("days beyond the calendar count", "gateways/postgres/canonical.py", "between '0001-01-01' and '9999-12-31'", "is not null",
           (f"{CANONICAL}[running_postgres-date]",)),
    Mutant("a decimal is rounded to its scale", "gateways/postgres/canonical.py", " and {{c}} = round({{c}}, {scale}) then", " then",
           (f"{CANONICAL}[running_postgres-numeric]",)),
    Mutant("blanks at the end are cut", "gateways/postgres/canonical.py", "then concat({c}) end", "then {c}::text end",
           (f"{CANONICAL}[running_postgres-char(4)]",)),
    Mutant("cells run into each other", "gateways/postgres/canonical.py", "length({0}) || ':' || {0}", "{0}",
           ("progress/test_canonical.py",)),
    Mutant("a table emptied meanwhile counts as read", "gateways/postgres/moment.py", "if cursor.fetchall() != [(True,)]:", "if False:",
           (f"{VERIFY}::test_a_truncate_that_raw_does_not_hold_yet_is_not_taken_for_a_difference",)),
    Mutant("every read has a moment of its own", "gateways/postgres/moment.py", 'cursor.execute("set transaction snapshot %s", [self.name])', "pass",
           ("gateways/test_moment.py::test_a_moment_stays_what_it_was_for_every_read",)),
    Mutant("later changes are compared", "engine/moment.py", _LATER, "false, false)",
           (f"{VERIFY}::test_what_changed_after_the_moment_is_left_out_and_a_difference_beside_it_is_found",)),
    Mutant("a change without a transaction was seen", "engine/moment.py", _LATER, '{snapshot.later("tx_id")}, false)',
           (f"{VERIFY}::test_a_change_without_a_transaction_counts_as_later",)),
    Mutant("every change is later", "engine/moment.py", _LATER, "true, true)",
           (f"{VERIFY}::test_a_transaction_seen_by_the_moment_is_verified_although_it_landed_last",)),
    Mutant("a row that was asked for is never verified", "engine/moment.py", _LATER, '{snapshot.later("tx_id")}, true)',
           (f"{VERIFY}::test_a_row_that_was_asked_for_again_is_verified_once_raw_holds_it",)),
    Mutant("a truncate touches no row", "engine/moment.py", "op = '{Op.TRUNCATE}' OR (", "false OR (",
           (f"{VERIFY}::test_a_table_truncated_or_read_anew_after_the_moment_is_not_verified[truncate]",)),
    Mutant("running transactions were seen", "proof/visibility.py", "if running else", "if False else",
           (f"{VERIFY}::test_a_transaction_open_across_the_moment_is_left_out",)),
    Mutant("transaction numbers never wrap", "proof/visibility.py", "(({tx_id} - {self.xmax}) & {_BITS}) < {_HALF}", "{tx_id} >= {self.xmax}",
           ("proof/test_visibility.py",)),
    Mutant("a row taken out still counts", "proof/buckets.py", "left[bucket] = left[bucket].without(one)", "pass", ("proof/test_prove.py",)),
    Mutant("a repeated row counts once", "proof/compare.py", "while following is not None and following[0] == key:\n        proof.count_extra(key)",
           "while following is not None and following[0] == key:", ("proof/test_compare.py",)),
    Mutant("a difference moves what is verified", "progress/verified.py", "if proof.equal else before", "if True else before",
           (f"{VERIFY}::test_a_difference_keeps_the_table_verified_through_what_it_was",)),
    Mutant("the sensor waits for a verification", "defs/arrivals.py", " and not scheduled.only_reads(run)", "",
           (f"{ARRIVALS}::test_a_verification_is_not_waited_for",)),
    Mutant("a run that folds verifies too", "defs/proof.py", "if not scheduled.is_alone(context, NAME, JOB):", "if False:",
           ("defs/test_proof.py::test_a_run_that_folds_does_not_verify",)),
    Mutant("a replay is told as an event", "proof/fates.py", "if first != at:", "if False:", ("proof/test_fates.py",)),
    Mutant("a generation removes nothing", "proof/fates.py", "if at < g.start and", "if False and", ("proof/test_fates.py",)),
)  # fmt: skip
CONTINUITY = (
    Mutant("a slot may be ahead", "continuity/identity.py", "slot.confirmed_lsn > slot.delivered_lsn", "False",
           ("continuity/test_identity.py",)),
    Mutant("a topic is its name", "continuity/identity.py", "elif now.id != was:", "elif False:", ("continuity/test_identity.py",)),
    Mutant("retention takes what was not read", "continuity/identity.py", "elif now.first > following:", "elif False:",
           ("continuity/test_identity.py",)),
    Mutant("a recovery keeps the epoch", "continuity/identity.py", "self.epoch(table.name) + (table.name in raised)", "self.epoch(table.name)",
           ("continuity/test_identity.py",)),
    Mutant("every look is a first look", "continuity/identity.py", "known.system_id or observed.source.system_id", "observed.source.system_id",
           ("continuity/test_identity.py",)),
    Mutant("a lost checkpoint begins at the beginning", "engine/guard.py", "if in_raw and not planned:", "if False:",
           ("engine/test_guard.py::test_raw_without_a_checkpoint_is_told",)),
    Mutant("a recovery goes on from the old checkpoint", "engine/guard.py", "shutil.rmtree(self.checkpoint, ignore_errors=True)\n        draft.rename(self.checkpoint)",
           "pass", ("engine/test_guard.py",)),
    Mutant("a halt forgets that the stream is down", "continuity/state.py", "stopped or (before is not None and before.stopped)", "stopped",
           ("continuity/test_state.py",)),
)  # fmt: skip
RUNS = (
    Mutant("lost messages are passed over", "engine/raw.py", '.option("failOnDataLoss", "true")', '.option("failOnDataLoss", "false")',
           ("engine/test_stream.py::test_messages_that_are_gone_before_they_were_read_stop_the_stream",)),
    Mutant("the sensor asks by its cursor alone", "defs/arrivals.py", "behind = tables_behind(catalog, paths, cut)",
           "behind = [n for n in tables_behind(catalog, paths, cut) if cut.position(n) > known.position(n)]",
           (f"{ARRIVALS}::test_a_run_that_never_came_is_asked_for_again_although_the_cursor_moved_on",)),
    Mutant("a braked table is asked for again and again", "defs/arrivals.py", "and brake.braked(paths, name, position) is None", "",
           (f"{ARRIVALS}::test_a_braked_table_waits_for_a_person_and_the_others_do_not",)),
    Mutant("a mass change is published", "engine/brake.py", "if told.deleted + told.changed >= least:", "if False:",
           (f"{BRAKE}::test_it_brakes[a truncate]",)),
    Mutant("rows that change into themselves count", "changelog/effect.py", """AND ({differs or "false"})""", "",
           (f"{BRAKE}::test_it_does_not_brake[an update that changes nothing]",)),
    Mutant("traffic is a mass change", "changelog/effect.py", "HAVING count(*) >= {BULK}", "",
           (f"{BRAKE}::test_it_does_not_brake[traffic, however much]",)),
    Mutant("what is allowed has no end", "engine/transformed.py", "if target <= allowed:", "if allowed >= 0:",
           (f"{BRAKE}::test_a_mass_delete_is_not_published_until_it_is_allowed_and_no_further",)),
    Mutant("a fold that stops short has seen all of raw", "engine/transformed.py",
           "cut.version if target == cut.position(table.name) else NO_VERSION", "cut.version",
           (f"{BRAKE}::test_what_is_allowed_and_what_comes_after_it_are_folded_in_one_go",)),
    Mutant("a rebuild is compared with itself", "engine/rebuild.py", 'again = f"SELECT {columns} FROM ({source.rows})"', "again = lake",
           ("engine/test_values.py::test_a_row_changed_in_the_lake_by_hand_differs_from_raw",)),
)  # fmt: skip
HISTORY = (
    Mutant("a truncate ends no version", "engine/survey.py", "floors = {p: p for", "floors = {p: -1 for",
           _told("a truncate removes every row")),
    Mutant("a snapshot ends no version", "engine/survey.py", "floors |= {generation.end: generation.start", "floors |= {generation.end: -1",
           _told("a finished snapshot removes the rows it did not see")),
    Mutant("a version does not keep the value of the one before", "changelog/versions.py", "(continued AND NOT {_is_known(c)}) AS",
           "false AS", _told()),
    Mutant("a version keeps the value of an earlier life", "changelog/versions.py",
           "lag(swept IS NOT NULL OR op = '{Op.DELETE}', 1, false)", "lag(false, 1, false)",
           _told()),
    Mutant("what came before a truncate was never there", "changelog/versions.py", "replace(events, truncate_at=None)", "events",
           _told("rows live that come after a truncate")),
    Mutant("a moved row's versions are lost", "changelog/versions.py", "      {moved}\n", "",
           _told()),
    Mutant("a history has no position in its commit", "engine/versions.py", "target, note, HISTORY_APP)", "target, note)",
           (f"{TOLD}::test_the_position_is_in_the_commit_and_what_is_told_is_not_told_again",)),
    Mutant("a history runs ahead of transformed", "engine/versions.py", "folded(paths, table.name).applied", "cut.position(table.name)",
           (f"{TOLD}::test_a_history_is_never_ahead_of_its_transformed_table",)),
)  # fmt: skip
SHAPES = (
    Mutant("a column of another type is read as before", "catalog/evolution.py", "if found is Fit.OTHER:", "if False:",
           (f"{DRIFT}::test_a_column_whose_messages_cannot_be_read_is_held_back",)),
    Mutant("a frozen table evolves", "catalog/evolution.py", "    if table.drift is Drift.EVOLVE:\n", "    if True:\n",
           (f"{DRIFT}::test_a_frozen_table_keeps_its_shape_and_says_what_differs",)),
    Mutant("rows that the source filled are not awaited", "catalog/evolution.py", "(theirs.filled or column.type in gone)",
           "column.type in gone", (f"{DRIFT}::test_a_column_that_rows_were_filled_with_waits_for_them",)),
    Mutant("a renamed column's rows are not awaited", "catalog/evolution.py", "(theirs.filled or column.type in gone)",
           "theirs.filled", (f"{DRIFT}::test_a_renamed_column_is_dropped_and_added_and_waits_for_its_rows",)),
    Mutant("a changed key is folded on", "catalog/drift.py", "if d.change is Change.KEY\n", "if False\n",
           (f"{DRIFT}::test_a_changed_key_stops_the_table_under_every_policy",)),
    Mutant("a dropped column is compared", "catalog/evolution.py", 'reasons[column.name] = "no longer in the source"', "pass",
           (f"{DRIFT}::test_a_dropped_column_stays_and_is_marked",)),
)  # fmt: skip
MUTANTS = (
    CONTINUITY + FOLD + UNAVAILABLE + REPLAYS + MERGE + MESSAGES + TYPES + STANDING + PROOF + SHAPES + RUNS + HISTORY
)


def main(words: list[str]) -> int:
    """Try every mutant (or those that hold a word); 1 when one survived, else 0."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lakehouse-mutants-") as name, _one_spark(Path(name)) as remote:
        sound = _run(_copied(Path(name) / "sound"), remote, tuple({test: None for m in chosen for test in m.tests}))
        if sound.returncode != 0:
            print(f"{_end(sound)}\nthe tests fail without a mutant, so their failures would prove nothing")
            return 1
        with ThreadPoolExecutor(WORKERS) as pool:
            tried = [pool.submit(_try, mutant, Path(name) / str(i), remote) for i, mutant in enumerate(chosen)]
            killed = sum(one.result() == "killed" for one in tried)
    print(f"{killed} of {len(chosen)} mutants killed in {time.monotonic() - began:.0f} s")
    return 0 if killed == len(chosen) else 1


@contextmanager
def _one_spark(folder: Path) -> Iterator[str]:
    """The address of one Spark that all the tests attach to: most of a test's time would be the start of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spark = local_session(local_config(folder / "spark") | connect_config(port))
    spark.sparkContext.setLogLevel("OFF")  # mutants fail, and the JVM would tell each one at length
    try:
        yield f"sc://127.0.0.1:{port}"
    finally:
        spark.stop()


def _try(mutant: Mutant, copy: Path, remote: str) -> str:
    began = time.monotonic()
    try:
        text = mutant.made_in(PROJECT)
    except LookupError:
        verdict = "NOT FOUND"
    else:
        (_copied(copy) / "lakehouse_assets" / mutant.file).write_text(text, encoding="utf-8")
        # 1 is failed tests; anything else (no such test, a broken import) proves nothing.
        done = _run(copy, remote, mutant.tests)
        verdict = {0: "SURVIVED", 1: "killed"}.get(done.returncode, f"EXIT {done.returncode}")
        if verdict.startswith("EXIT"):
            print(_end(done))
        shutil.rmtree(copy)
    print(f"{verdict:9} {mutant.name} ({time.monotonic() - began:.0f} s)", flush=True)
    return verdict


def _copied(copy: Path) -> Path:
    for name in ("lakehouse_assets", "lakehouse_assets_tests", "infra"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "lakehouse.toml"):
        shutil.copy(PROJECT / name, copy / name)
    return copy


def _run(copy: Path, remote: str, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    nodes = [f"lakehouse_assets_tests/{test}" for test in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", f"--basetemp={copy / 'tmp'}", *nodes]
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAKEHOUSE_SPARK_REMOTE": remote,
    }
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def _end(done: subprocess.CompletedProcess[str]) -> str:
    """The last of what a run of tests printed: which of them failed, and why."""
    return f"{done.stdout[-2000:]}{done.stderr[-2000:]}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
