"""Values through the real fold: every cell says how it was read, bad ones are in quarantine, protected ones are hidden."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from deltalake import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakehouse_assets.catalog.model import Protect
from lakehouse_assets.catalog.rules import AmountRule, DateRule
from lakehouse_assets.engine import quarantine, transformed
from lakehouse_assets.engine.judgement import accounted, first_invalid_share, judged
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import differing, rebuild, rebuild_into
from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.keys import Key, Keys
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.changelog.oracle import PLACEHOLDER, Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

OLD, NEW = Key("k1", b"o" * 32), Key("k2", b"n" * 32)
KEYS = Keys((OLD, NEW))


def _table() -> Any:
    table = table_of(
        "t",
        ("id",),
        id="integer",
        data="text",
        valor="text",
        cpf="text",
        linha="text",
        nota="text",
        segredo="text",
        total="numeric(5,2)",
    )
    changes = {
        "data": {"rule": DateRule()},
        "valor": {"rule": AmountRule()},
        "cpf": {"protect": Protect.TOKEN},
        "linha": {"protect": Protect.MASK, "keep": 4},
        "nota": {"protect": Protect.DECRYPT},
        "segredo": {"protect": Protect.DROP},
    }
    return replace(table, columns=tuple(replace(c, **changes.get(c.name, {})) for c in table.columns))


TABLE = _table()


def _event(position: int, op: str, key: int, **after: Any) -> Event:
    row = {"id": key, **dict.fromkeys(("data", "valor", "cpf", "linha", "nota", "segredo", "total")), **after}
    return Event(position, op, json.dumps({"id": key}), None if op == "delete" else row, 100 + position, 7 + position)


def _sealed(key: Key, text: str) -> str:
    nonce = b"n" * 12
    return f"{key.kid}:{base64.b64encode(nonce + AESGCM(key.key).encrypt(nonce, text.encode(), None)).decode()}"


def _entries(lab: Lab, *, resolved: bool = False) -> list[tuple[Any, ...]]:
    rows = DeltaTable(str(lab.paths.quarantine)).to_pyarrow_table().to_pylist()
    return sorted(
        (r["key"], r["column_name"], r["raw"], r["status"], r["clause"], r["position"])
        for r in rows
        if (r["resolved_position"] is not None) == resolved
    )


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path)


def _fold(lab: Lab, *events: Event) -> dict[int, dict[str, Any]]:
    cut = lab.land({"t": list(events)})
    transformed.fold(lab.spark, TABLE, lab.paths, cut, KEYS)
    return {row["id"]: row for row in lab.rows(TABLE)}


def test_a_value_stands_beside_its_text_and_its_status(lab: Lab) -> None:
    row = _fold(lab, _event(0, "insert", 1, data=" 31/01/2024", valor="R$ 1.234,56"))[1]
    assert (row["data"], row["data__raw"], row["data__status"]) == (date(2024, 1, 31), " 31/01/2024", "ok")
    assert (row["valor"], row["valor__raw"], row["valor__status"]) == (Decimal("1234.56"), "R$ 1.234,56", "ok")


def test_a_bad_cell_loses_no_row_and_closes_when_the_source_corrects_it(lab: Lab) -> None:
    rows = _fold(lab, _event(0, "insert", 1, data="31/02/2024", valor="10,00"), _event(1, "insert", 2, valor="1,234"))
    assert (rows[1]["data"], rows[1]["data__status"], rows[1]["valor"]) == (None, "invalid", Decimal("10.00"))
    assert _entries(lab) == [
        ('{"id":1}', "data", "31/02/2024", "invalid", "no_day", 0),
        ('{"id":2}', "valor", "1,234", "ambiguous", "comma_three", 1),
    ]
    _fold(lab, _event(2, "update", 1, data="29/02/2024", valor="10,00"), _event(3, "insert", 3, data="x"))
    valor, data = (
        ('{"id":2}', "valor", "1,234", "ambiguous", "comma_three", 1),
        ('{"id":3}', "data", "x", "invalid", "no_form", 3),
    )
    assert _entries(lab) == [valor, data]
    assert _entries(lab, resolved=True) == [('{"id":1}', "data", "31/02/2024", "invalid", "no_day", 0)]
    _fold(lab, _event(4, "delete", 2))
    assert _entries(lab) == [data]


def test_a_column_without_a_rule_has_no_bad_cells(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, data="x", valor="x"))
    unruled = replace(TABLE, columns=tuple(replace(c, rule=None) if c.name == "data" else c for c in TABLE.columns))
    assert quarantine.reconcile(lab.spark, unruled, "", lab.paths, 0, ())
    assert [entry[1] for entry in _entries(lab)] == ["valor"]
    assert not quarantine.reconcile(lab.spark, unruled, "", lab.paths, 0, ())


def test_names_of_columns_that_the_reader_could_take_for_others(lab: Lab) -> None:
    columns = table_of("t", ("id",), id="integer", s="text", **{'data "de"': "text"}).columns
    table = replace(TABLE, columns=(*columns[:2], replace(columns[2], rule=DateRule())))
    row = {"id": 1, "s": None, 'data "de"': "x"}
    cut = lab.land({"t": [Event(0, "insert", json.dumps({"id": 1}), row, 100, 7)]})
    transformed.fold(lab.spark, table, lab.paths, cut)
    assert _entries(lab) == [('{"id":1}', 'data "de"', "x", "invalid", "no_form", 0)]
    with open_lake(lab.paths) as lake:
        assert judged(lake, table, table.columns[2]).statuses == {"invalid": 1}
        assert first_invalid_share(lake, table, table.columns[2]) == 1.0
        assert accounted(lake, table) == (1, 0, 1)


def test_what_a_fold_that_was_broken_off_left_out_of_quarantine_comes_with_the_next(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, total="NaN", valor="x"))
    DeltaTable(str(lab.paths.quarantine)).delete()  # as if it had ended between its two commits
    lab.spark.catalog.clearCache()
    _fold(lab)  # tried again
    told = [("total", "NaN"), ("valor", "x")]
    assert [entry[1:3] for entry in _entries(lab)] == told
    DeltaTable(str(lab.paths.quarantine)).delete()
    _fold(lab, _event(1, "insert", 2))
    assert [entry[1:3] for entry in _entries(lab)] == told


def test_the_texts_of_a_column_that_was_hidden_leave_the_quarantine_with_the_rebuild(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, data="segredo", valor="x"), _event(1, "insert", 2, data="outro segredo"))
    _fold(lab, _event(2, "update", 2, data="01/02/2024"))
    columns = tuple(replace(c, rule=None, protect=Protect.TOKEN) if c.name == "data" else c for c in TABLE.columns)
    rebuild(lab.spark, replace(TABLE, columns=columns), lab.paths, KEYS)
    assert [entry[1:3] for entry in _entries(lab)] == [("valor", "x")]
    assert {entry[1:3] for entry in _entries(lab, resolved=True)} == {("data", None)}


def test_a_typed_cell_that_cannot_be_stored_is_in_quarantine_with_its_text(lab: Lab) -> None:
    assert _fold(lab, _event(0, "insert", 1, total="NaN"))[1]["total"] is None
    assert _entries(lab) == [('{"id":1}', "total", "NaN", "special", "encoding", 0)]
    _fold(lab, _event(1, "update", 1, total="1.50"))
    assert _entries(lab) == []


def test_protected_columns_hold_no_clear_text(lab: Lab) -> None:
    row = _fold(
        lab,
        _event(0, "insert", 1, cpf="529.982.247-25", linha="123456789", nota=_sealed(OLD, "alô"), segredo="x"),
        _event(1, "insert", 2, cpf="52998224725", linha="123", nota=_sealed(NEW, "olá")),
    )
    token = "k2:" + hmac.digest(NEW.key, b"52998224725", hashlib.sha256).hex()
    assert row[1]["cpf"] == row[2]["cpf"] == token
    assert (row[1]["linha"], row[2]["linha"]) == ("*****6789", "***")
    assert (row[1]["nota"], row[1]["nota__status"], row[2]["nota"]) == ("alô", "ok", "olá")
    assert row[1]["nota__raw"] == _sealed(OLD, "alô")
    assert not {"segredo", "segredo__raw"} & set(row[1])


def test_a_cipher_text_that_cannot_be_opened_is_a_status_not_a_failure(lab: Lab) -> None:
    good = _sealed(OLD, "alô")
    bad = ["k9" + good[2:], good[:-6] + "AAAA" + good[-2:], "k1:!", "clear", "k1:", good + "A"]
    rows = _fold(lab, *(_event(i, "insert", i, nota=text) for i, text in enumerate(bad)))
    assert {row["nota__status"] for row in rows.values()} == {"decrypt_failed"}
    assert {row["nota"] for row in rows.values()} == {None}
    assert [entry[2] for entry in _entries(lab)] == bad


def test_a_value_that_no_change_carried_is_unavailable_and_one_that_did_is_kept(lab: Lab) -> None:
    rows = _fold(lab, _event(0, "update", 1, data=PLACEHOLDER, valor="1"), _event(1, "insert", 2, data="x", valor="2"))
    assert (rows[1]["data"], rows[1]["data__status"]) == (None, "unavailable")
    rows = _fold(lab, _event(2, "update", 2, data=PLACEHOLDER, valor="3"))
    assert (rows[2]["data__raw"], rows[2]["data__status"], rows[2]["valor"]) == ("x", "invalid", Decimal("3.00"))
    assert [e[1:5] for e in _entries(lab)] == [
        ("data", None, "unavailable", "no_value"),
        ("data", "x", "invalid", "no_form"),
    ]


def test_a_missing_key_stops_before_anything_is_written(lab: Lab) -> None:
    cut = lab.land({"t": [_event(0, "insert", 1)]})
    with pytest.raises(ConfigurationError, match=r"no key for t.cpf \(token\), t.nota \(decrypt\)"):
        transformed.fold(lab.spark, TABLE, lab.paths, cut)
    assert not lab.paths.transformed("t").exists()


def test_a_changed_rule_halts_the_table_until_it_is_rebuilt(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, data="01/31/2024", valor="1,234"), _event(1, "insert", 2, data="31/01/2024"))
    columns = tuple(replace(c, rule=DateRule(order="mdy")) if c.name == "data" else c for c in TABLE.columns)
    changed = replace(TABLE, columns=columns)
    cut = lab.land({"t": [_event(2, "insert", 3)]})
    with pytest.raises(LakehouseError, match="lakehouse rebuild t"):
        transformed.fold(lab.spark, changed, lab.paths, cut, KEYS)
    done = rebuild(lab.spark, changed, lab.paths, KEYS)
    assert (done.rows_before, done.rows_after, done.position) == (2, 2, 1)
    assert done.changed == {("data", "ambiguous", "ok"): 1, ("data", "ok", "ambiguous"): 1}
    assert [e[:5] for e in _entries(lab)] == [
        ('{"id":1}', "valor", "1,234", "ambiguous", "comma_three"),
        ('{"id":2}', "data", "31/01/2024", "ambiguous", "other_order"),
    ]
    transformed.fold(lab.spark, changed, lab.paths, cut, KEYS)
    assert {row["id"] for row in lab.rows(changed)} == {1, 2, 3}


def test_a_rebuild_equals_the_fold_and_one_column_may_be_rebuilt_alone(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, data="31/01/2024", valor="1", cpf="1"), _event(1, "insert", 2, total="9.99"))
    before = _fold(lab, _event(2, "update", 2, data="x", total="1.00"), _event(3, "delete", 1), _event(4, "insert", 3))
    assert rebuild(lab.spark, TABLE, lab.paths, KEYS).changed == {}
    assert {row["id"]: row for row in lab.rows(TABLE)} == before
    assert rebuild(lab.spark, TABLE, lab.paths, KEYS, "data").changed == {}
    assert {row["id"]: row for row in lab.rows(TABLE)} == before


def test_a_rebuild_beside_folds_loses_none_of_them(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 0))
    folding, last = lab.spark.newSession(), 3

    def fold() -> None:
        for position in range(1, last):
            cut = lab.land({"t": [_event(position, "insert", position)]})
            while transformed.folded(lab.paths, "t").applied < position:
                with suppress(Py4JJavaError, PySparkException):  # a rebuild was faster
                    transformed.fold(folding, TABLE, lab.paths, cut, KEYS)

    with ThreadPoolExecutor() as pool:
        done = pool.submit(fold)
        while not done.done():
            rebuild(lab.spark, TABLE, lab.paths, KEYS)
        done.result()
    rebuild(lab.spark, TABLE, lab.paths, KEYS)
    assert {row["id"] for row in lab.rows(TABLE)} == set(range(last))
    assert differing(lab.spark, TABLE, lab.paths, KEYS) == 0


def test_any_moment_in_raw_can_be_folded_beside_the_lake(lab: Lab, tmp_path: Path) -> None:
    _fold(lab, _event(0, "insert", 1, data="31/01/2024"), _event(1, "insert", 2))
    now = _fold(lab, _event(2, "update", 1, data="x"), _event(3, "delete", 2))
    for position, expected in (
        (0, {1: "ok"}),
        (1, {1: "ok", 2: "ok"}),
        (2, {1: "invalid", 2: "ok"}),
        (None, {1: "invalid"}),
    ):
        place = tmp_path / f"at{position}"
        done = rebuild_into(lab.spark, TABLE, lab.paths, place, KEYS, position)
        rows = DeltaTable(str(place)).to_pyarrow_table().to_pylist()
        assert ({row["id"]: row["data__status"] for row in rows}, done.rows_after) == (expected, len(expected))
    assert {row["id"]: row for row in lab.rows(TABLE)} == now
    with pytest.raises(LakehouseError, match="is not empty"):
        rebuild_into(lab.spark, TABLE, lab.paths, place, KEYS)


def test_a_row_changed_in_the_lake_by_hand_differs_from_raw(lab: Lab) -> None:
    _fold(lab, _event(0, "insert", 1, valor="1"), _event(1, "insert", 2, valor="2"))
    assert differing(lab.spark, TABLE, lab.paths, KEYS) == 0
    DeltaTable(str(lab.paths.transformed("t"))).update(updates={"valor": "10.00"}, predicate="id = 2")
    assert differing(lab.spark, TABLE, lab.paths, KEYS) == 2  # the row that is there, and the one that should be
