"""A real source against a lake made by hand: every planted difference is found, and nothing that is none."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.catalog import Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress import verified
from lakehouse_assets.progress.verify import Limits, VerifyRequest, verify
from lakehouse_assets.proof import TableProof
from lakehouse_assets.proof.verification import Verification
from lakehouse_assets_tests.progress import copied_lake
from lakehouse_assets_tests.proof.tables import table
from lakehouse_assets_tests.real_postgres import Source, new_source

PAGAMENTOS = table("id", id="integer", nome="text", valor="numeric(15,2)", dia="date")
ROWS = 20_000
LATER = 1 << 20  # a position behind all that raw held before a verification


@pytest.fixture
def source(admin_dsn: str) -> Source:
    """A source with the table alone, filled."""
    source = new_source(admin_dsn)
    source.bootstrap(replace(source.catalog, tables=(PAGAMENTOS,)))
    postgres.execute(
        source.application,
        f"""insert into pagamentos select i, 'Nome ' || i, i / 7.0, date '2020-01-01' + i % 2000
            from generate_series(1, {ROWS}) i""",
    )
    return source


class Lake:
    """A lake beside a source; `cover` is what a verification waits for."""

    def __init__(self, source: Source, root: Path) -> None:
        self.source = source
        self.paths = LakePaths(root)
        self.cover: Callable[[], object] = lambda: None
        self.said: list[str] = []
        copied_lake.copy(source.application, PAGAMENTOS, self.paths, 5)
        copied_lake.land(
            self.paths, PAGAMENTOS, {"key": {"id": 1}, "op": "insert", "position": 5, "tx_id": 1, "lsn": 1}
        )

    def rows(self) -> list[dict[str, Any]]:
        return copied_lake.rows(PAGAMENTOS, self.paths)

    def write(self, rows: list[dict[str, Any]], position: int = 5) -> None:
        copied_lake.write(PAGAMENTOS, self.paths, rows, position)

    def verify(self, *names: str, wanted: Table = PAGAMENTOS, most_rows: int | None = None) -> Verification:
        catalog = replace(self.source.catalog, tables=(wanted,))
        limits = Limits(5, 60, most_rows)
        request = VerifyRequest(
            catalog, self.paths, self.source.application, limits, lambda tables: self.cover(), self.said.append
        )
        return verify(request, names)

    def proof(self, **options: Any) -> TableProof:
        return self.verify(**options).proofs[0]

    def change(self, statement: str, *changes: dict[str, Any], fold: bool = True) -> None:
        """A transaction at the source after the moment, whose changes raw holds and, with `fold`, transformed too."""
        (tx_id,) = postgres.execute(
            self.source.application, f"{statement}; select pg_current_xact_id()::text::bigint & 4294967295"
        )[0]
        landed = [
            {"position": LATER + place, "tx_id": tx_id, "lsn": 9, "op": "update"} | change
            for place, change in enumerate(changes)
        ]
        copied_lake.land(self.paths, PAGAMENTOS, *landed)
        if fold:
            copied_lake.copy(self.source.application, PAGAMENTOS, self.paths, LATER + len(changes) - 1)


@pytest.fixture
def lake(source: Source, tmp_path: Path) -> Lake:
    return Lake(source, tmp_path)


def test_an_equal_lake_is_equal_and_kept_as_verified(lake: Lake) -> None:
    found = lake.verify("pagamentos")
    (proof,) = found.proofs
    assert found.equal
    assert (proof.source_count, proof.lake_count, proof.left_out) == (ROWS, ROWS, 0)
    kept = verified.read(lake.paths, "pagamentos")
    assert kept is not None
    assert kept.through is not None
    assert (kept.verdict, kept.through.lsn) == ("equal", found.lsn)
    assert kept.through.age_seconds < 60
    assert any("20,000 rows" in line for line in lake.said)


def test_a_hundred_planted_differences_are_all_found_and_no_other(lake: Lake) -> None:
    rows = {row["id"]: row for row in lake.rows()}
    chosen = random.Random(7).sample(sorted(rows), 80)
    deleted, doubled, shifted, altered = (chosen[start : start + 20] for start in range(0, 80, 20))
    invented = range(ROWS + 10, ROWS + 30)
    for key in deleted:
        del rows[key]
    for key in shifted:
        rows[key]["valor"] = rows[key]["valor"] * 10
    for key in altered:
        rows[key] |= {"nome": rows[key]["nome"] + " ", "dia": None}
    for key in invented:
        rows[key] = {"id": key, "nome": None, "valor": Decimal("1.00"), "dia": None, "_position": 5}
    lake.write([*rows.values(), *(rows[key] for key in doubled)])
    proof = lake.proof()
    assert proof.verdict == "different"
    assert {key for (key,) in proof.missing} == set(map(str, deleted))
    assert {key for (key,) in proof.extra} == set(map(str, [*doubled, *invented]))
    expected = {str(key): ("valor",) for key in shifted} | {str(key): ("nome", "dia") for key in altered}
    assert {d.key[0]: d.columns for d in proof.different} == expected
    assert proof.differences == 100


@pytest.mark.parametrize("lost", ["all", "none"])
def test_an_empty_side_is_counted_whole(lake: Lake, lost: str) -> None:
    if lost == "all":
        lake.write([])
        proof = lake.proof()
        assert (proof.missing_count, len(proof.missing), proof.extra_count) == (ROWS, 1000, 0)
    else:
        postgres.execute(lake.source.application, "delete from pagamentos")
        proof = lake.proof()
        assert (proof.extra_count, proof.missing_count) == (ROWS, 0)


def test_what_changed_after_the_moment_is_left_out_and_a_difference_beside_it_is_found(lake: Lake) -> None:
    lake.write([row | {"nome": "wrong"} if row["id"] in (10, 11) else row for row in lake.rows()])

    def traffic() -> None:
        lake.change(
            "update pagamentos set valor = 0 where id in (1, 2); delete from pagamentos where id = 3; "
            "insert into pagamentos values (30000, 'new', 1, null); update pagamentos set id = 30001 where id = 4",
            *({"key": {"id": key}} for key in (1, 2, 30000, 30001)),
            *({"key": {"id": key}, "op": "delete"} for key in (3, 4)),
        )
        lake.write(
            [row | {"nome": "wrong"} if row["id"] in (10, 11) else row for row in lake.rows()], position=LATER + 5
        )

    lake.cover = traffic
    proof = lake.proof()
    assert proof.left_out == 6
    assert [d.key for d in proof.different] == [("10",), ("11",)]
    assert proof.differences == 2
    lake.cover = lambda: None
    assert [d.key for d in lake.proof().different] == [("10",), ("11",)]


def test_a_change_after_the_moment_that_is_not_folded_yet_is_left_out_only_when_it_is(lake: Lake) -> None:
    lake.cover = lambda: lake.change(
        "delete from pagamentos where id = 1", {"key": {"id": 1}, "op": "delete"}, fold=False
    )
    proof = lake.proof()
    assert proof.equal
    assert proof.left_out == 0


def test_a_transaction_open_across_the_moment_is_left_out(lake: Lake) -> None:
    connection = postgres.connect(lake.source.application)
    cursor = connection.cursor()
    cursor.execute("update pagamentos set nome = 'open' where id = 5; select pg_current_xact_id()::text::bigint")
    (tx_id,) = cursor.fetchall()[0]
    # A later one that ended: the open one is between those that ended and not behind them.
    postgres.execute(lake.source.application, "select pg_current_xact_id()")

    def commit() -> None:
        connection.commit()
        copied_lake.land(lake.paths, PAGAMENTOS, {"key": {"id": 5}, "position": LATER, "tx_id": tx_id, "lsn": 1})
        copied_lake.copy(lake.source.application, PAGAMENTOS, lake.paths, LATER)

    lake.cover = commit
    proof = lake.proof()
    connection.close()
    assert proof.equal
    assert proof.left_out == 1


def test_a_transaction_seen_by_the_moment_is_verified_although_it_landed_last(lake: Lake) -> None:
    (tx_id,) = postgres.execute(
        lake.source.application,
        "update pagamentos set nome = 'seen' where id = 5; select pg_current_xact_id()::text::bigint",
    )[0]
    stale = lake.rows()

    def fold_without_it() -> None:
        copied_lake.land(lake.paths, PAGAMENTOS, {"key": {"id": 5}, "position": 6, "tx_id": tx_id, "lsn": 1})
        lake.write(stale, position=6)

    lake.cover = fold_without_it
    assert [(d.key, d.columns) for d in lake.proof().different] == [(("5",), ("nome",))]


def test_a_change_without_a_transaction_counts_as_later(lake: Lake) -> None:
    def incremental() -> None:
        row = {"key": {"id": 5}, "op": "snapshot", "snapshot": "incremental", "position": LATER}
        copied_lake.land(lake.paths, PAGAMENTOS, row)
        lake.write([r | {"nome": "read later"} if r["id"] == 5 else r for r in lake.rows()], position=LATER)

    lake.cover = incremental
    assert lake.proof().left_out == 1


def test_a_row_that_was_asked_for_again_is_verified_once_raw_holds_it(lake: Lake) -> None:
    row = {"key": {"id": 5}, "op": "snapshot", "snapshot": "incremental", "position": 6}
    copied_lake.land(lake.paths, PAGAMENTOS, row)
    lake.write([r | {"nome": "other"} if r["id"] == 5 else r for r in lake.rows()], position=6)
    found = lake.proof()
    assert [(d.key, d.columns) for d in found.different] == [(("5",), ("nome",))]
    assert found.left_out == 0


@pytest.mark.parametrize(
    "change",
    [{"op": "truncate"}, {"op": "snapshot", "snapshot": "first", "key": {"id": 1}}],
    ids=["truncate", "snapshot"],
)
def test_a_table_truncated_or_read_anew_after_the_moment_is_not_verified(lake: Lake, change: dict[str, Any]) -> None:
    before = lake.proof()
    kept = verified.read(lake.paths, "pagamentos")
    lake.cover = lambda: lake.change("update pagamentos set valor = 0", change)
    found = lake.verify()
    assert not found.equal
    assert not found.different
    assert "truncated or read anew" in found.proofs[0].unproven
    after = verified.read(lake.paths, "pagamentos")
    assert kept is not None
    assert after is not None
    assert (before.verdict, after.through, after.verdict) == ("equal", kept.through, "not verified")


def test_a_truncate_that_raw_does_not_hold_yet_is_not_taken_for_a_difference(lake: Lake) -> None:
    lake.write([row for row in lake.rows() if row["id"] != 7])
    lake.cover = lambda: postgres.execute(lake.source.application, "truncate pagamentos")
    assert "truncated or rewritten" in lake.proof().unproven


def test_a_difference_keeps_the_table_verified_through_what_it_was(lake: Lake) -> None:
    lake.verify()
    before = verified.read(lake.paths, "pagamentos")
    lake.write([row for row in lake.rows() if row["id"] != 7])
    lake.verify()
    after = verified.read(lake.paths, "pagamentos")
    assert before is not None
    assert after is not None
    assert (after.verdict, after.through) == ("different", before.through)
    assert after.checked_at > before.checked_at


def test_a_verification_that_began_earlier_and_ended_later_changes_nothing(lake: Lake) -> None:
    (proof,) = lake.verify().proofs
    newer = verified.read(lake.paths, "pagamentos")
    assert newer is not None
    earlier = datetime.fromisoformat(newer.checked_at) - timedelta(seconds=3)
    assert verified.keep(lake.paths, proof, earlier, "0/1") == newer
    assert verified.read(lake.paths, "pagamentos") == newer


def test_a_table_that_is_too_large_is_not_read(lake: Lake) -> None:
    proof = lake.proof(most_rows=ROWS - 1)
    assert "20,000 rows, more than LAKEHOUSE_VERIFY_MAX_ROWS" in proof.unproven
    assert lake.proof(most_rows=ROWS).equal


def test_an_unknown_table_is_refused_with_those_there_are(lake: Lake) -> None:
    with pytest.raises(LakehouseError, match="no such table: pagamento") as raised:
        lake.verify("pagamento", "pagamentos")
    assert raised.value.exit_code == EXIT_USAGE
    assert "pagamentos" in raised.value.next_step


def test_a_source_that_is_down_or_a_standby_is_told(lake: Lake) -> None:
    with pytest.raises(LakehouseError, match="does not answer"):
        Lake.verify(_elsewhere(lake, "host=127.0.0.1 port=1 user=x dbname=y"))
    assert verified.read(lake.paths, "pagamentos") is None


def _elsewhere(lake: Lake, dsn: str) -> Lake:
    other = object.__new__(Lake)
    other.__dict__ |= lake.__dict__ | {"source": replace(lake.source, application=dsn)}
    return other


def test_a_table_of_which_a_policy_hides_rows_is_not_proven_by_those_it_shows(lake: Lake) -> None:
    postgres.execute(lake.source.admin, "alter table pagamentos enable row level security")
    lake.write([])
    found = lake.verify("pagamentos")
    assert not found.equal
    assert "row-level security" in found.proofs[0].unproven


def test_a_lake_that_does_not_catch_up_stops_the_verification(lake: Lake) -> None:
    def behind() -> None:
        raise LakehouseError("not in sync after 5 s: raw lags")

    lake.cover = behind
    with pytest.raises(LakehouseError, match="raw lags"):
        lake.verify()
    assert verified.read(lake.paths, "pagamentos") is None


def test_keys_of_several_columns_and_of_other_types_are_left_out_by_their_message(
    source: Source, tmp_path: Path
) -> None:
    wanted = table(
        "dia", "t", "ts", "tz", "n", "p", "c", name="chaves",
        dia="date", t="text", ts="timestamp(3)", tz="timestamptz", n="numeric(10,2)", p="numeric(2,2)", c="char(4)",
        v="integer",
    )  # fmt: skip
    source.bootstrap(replace(source.catalog, tables=(PAGAMENTOS, wanted)))
    postgres.execute(
        source.application,
        """insert into chaves select date '2026-01-31' + i, 'é' || i, timestamp '2026-01-31 10:00:00.120' + i * interval '1 h',
           timestamptz '2026-01-31 10:00:00.5-03' + i * interval '1 h', i / 4.0, -i / 100.0, 'a', i from generate_series(1, 9) i""",
    )
    lake = Lake(source, tmp_path)
    copied_lake.copy(source.application, wanted, lake.paths, 5)
    key = {
        "dia": 20484 + 3, "t": "é3", "ts": 1769853600120 + 3 * 3_600_000, "tz": "2026-01-31T16:00:00.500000Z", "n": "0.75",
        "p": "-0.03", "c": "a   ",
    }  # fmt: skip

    def later() -> None:
        (tx_id,) = postgres.execute(
            source.application, "update chaves set v = 0 where v = 3; select pg_current_xact_id()::text::bigint"
        )[0]
        copied_lake.land(lake.paths, wanted, {"key": key, "position": LATER, "tx_id": tx_id, "lsn": 1})
        copied_lake.copy(source.application, wanted, lake.paths, LATER)

    lake.cover = later
    proof = lake.proof(wanted=wanted)
    assert (proof.left_out, proof.verdict) == (1, "equal")
    lake.cover = lambda: None
    copied_lake.write(wanted, lake.paths, [r for r in copied_lake.rows(wanted, lake.paths) if r["v"] != 0])
    assert lake.proof(wanted=wanted).missing == [
        ("2026-02-03", "é3", "2026-01-31 13:00:00.12", "2026-01-31 16:00:00.5+00", "0.75", "-0.03", "a   ")
    ]


def test_no_writer_waits_while_a_lake_is_verified(lake: Lake) -> None:
    """Writers go on, and one truncates, while the lake is waited for."""
    done = threading.Event()

    def write() -> None:
        for statement in (
            "update pagamentos set valor = valor + 1",
            "alter table pagamentos add more int",
            "truncate pagamentos",
        ):
            postgres.execute(lake.source.admin, f"set lock_timeout = '15s'; {statement}")
        done.set()

    def cover() -> None:
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(60)

    lake.cover = cover
    lake.proof()
    assert done.is_set()


def test_what_is_kept_is_replaced_whole_and_a_broken_file_is_as_none(lake: Lake) -> None:
    lake.verify()
    place = lake.paths.root / "_proof" / "pagamentos.json"
    assert [path.name for path in place.parent.iterdir()] == ["pagamentos.json"]
    assert set(json.loads(place.read_text())) == {"verified_through", "verdict", "checked_at"}
    place.write_text('{"verified_through"')
    assert verified.read(lake.paths, "pagamentos") is None
    assert verified.read(lake.paths, "never") is None
