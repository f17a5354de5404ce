"""A stream that is not the one the lake was made from halts and says why; `recover` brings the lake back, proven."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient

from lakehouse_assets import continuity
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.stack.doctor import diagnose
from lakehouse_assets.stack.up import up
from lakehouse_assets_tests.end_to_end.conftest import Words
from lakehouse_assets_tests.stack.waiting import connector_away, eventually, halted

pytestmark = pytest.mark.stack
LOST = "insert into condominios (nome, endereco) values ('Perdido', 'Rua sem evento')"
# One that nobody lives in: the tests before this one made some.
DELETED = (
    "delete from condominios c where condominio_id > 1 and nome <> 'Perdido' and not exists "
    "(select from imoveis i where i.condominio_id = c.condominio_id) and not exists "
    "(select from moradores m where m.condominio_id = c.condominio_id)"
)
IN_LAKE = "SELECT count(*) AS n FROM transformed.condominios WHERE nome = 'Perdido'"


@pytest.fixture(autouse=True)
def sound_again(words: Words) -> Iterator[None]:
    """A test that fails leaves no halt to the ones after it."""
    yield
    if continuity.read_halt(words.paths):
        words.run("recover", "--yes")


def _recover(words: Words) -> str:
    """What `recover` shows and does; afterwards everything is sound and equal."""
    done = words.run("recover", "--yes")
    assert words.run("recover", "--yes").stdout.startswith("nothing to recover")
    eventually(lambda: all(finding.ok for finding in diagnose(words.stack.settings, words.stack.catalog)), 60)
    words.settle()
    return done.stdout


def test_a_sound_stream_has_nothing_to_recover(words: Words) -> None:
    assert "nothing to recover" in words.run("recover").stdout


def test_a_slot_that_was_advanced_past_changes_and_then_dropped_halts_the_stream(words: Words) -> None:
    with connector_away(words.stack):
        words.source(LOST)
        statement = "select pg_replication_slot_advance(%s, pg_current_wal_lsn())"
        postgres.execute(words.stack.links.checking_dsn, statement, [words.stack.catalog.slot])
        # Now: the next change that is delivered hides it (decision 9).
        assert "advanced or made again" in halted(words.paths)
    words.source("update condominios set nome = nome where condominio_id = 1")
    assert words.rows(IN_LAKE) == [{"n": 0}]
    status = words.run("status").stdout
    assert "halted" in status
    assert "lakehouse recover" in status
    with connector_away(words.stack):
        postgres.execute(
            words.stack.links.checking_dsn, "select pg_drop_replication_slot(%s)", [words.stack.catalog.slot]
        )
        words.source(DELETED)
    with pytest.raises(LakehouseError, match="lakehouse recover"):
        up(words.stack.settings, words.stack.catalog, print)
    findings = {finding.area: finding for finding in diagnose(words.stack.settings, words.stack.catalog)}
    assert all(findings[area].fix.startswith("lakehouse recover") for area in ("connector", "slot", "stream"))
    unasked = words.run("recover", code=1)
    assert "slot missing" in unasked.stdout
    assert "drop slot" in unasked.stdout
    assert words.rows(IN_LAKE) == [{"n": 0}]
    said = _recover(words)
    assert "slot ahead" in said
    assert "slot missing" in said
    assert words.rows(IN_LAKE) == [{"n": 1}]


def test_a_topic_that_was_deleted_halts_the_stream_and_only_its_table_is_read_again(words: Words) -> None:
    epochs = continuity.known_identity(words.paths).epochs
    admin = KafkaAdminClient(bootstrap_servers=words.stack.links.kafka_bootstrap)
    admin.delete_topics([words.stack.catalog.table("condominios").topic])
    admin.close()
    assert "condominios is gone" in halted(words.paths)
    owner = words.stack.links.owner_dsn
    postgres.execute(owner, "revoke insert on lakehouse.signal from lakehouse_replication")
    assert "permission denied" in words.run("recover", "--yes", code=1).stderr
    assert continuity.read_halt(words.paths)  # a recovery that was broken off is there to be told again
    postgres.execute(owner, "grant insert on lakehouse.signal to lakehouse_replication")
    said = _recover(words)
    assert "take a snapshot of condominios" in said
    assert "drop slot" not in said
    after = continuity.known_identity(words.paths).epochs
    assert {name for name in words.stack.catalog.names if after[name] != epochs.get(name, 0)} == {"condominios"}


def test_a_lost_checkpoint_halts_the_stream_and_nothing_is_read_twice(words: Words) -> None:
    raw = "SELECT count(*) AS n, count(DISTINCT (table_name, position)) AS positions FROM raw"
    before = words.rows(raw)
    pid = words.stack.pid("engine")
    assert pid
    os.kill(pid, signal.SIGKILL)
    shutil.rmtree(words.stack.settings.checkpoint)
    assert "checkpoint" in halted(words.paths)
    assert "begin the stream where raw ends" in words.run("recover", "--yes").stdout
    assert words.rows(raw) == before
    assert "nothing to recover" in words.run("recover").stdout
    words.source("update condominios set endereco = endereco || '.' where condominio_id = 1")
    words.settle()
    (after,) = words.rows(raw)
    assert after["n"] == after["positions"]
