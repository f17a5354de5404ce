"""Masks, tokens and decryption in Spark equal Python's own HMAC and AES-GCM, and no statement or plan shows a key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse_assets.catalog.model import Column, Protect, Table
from lakehouse_assets.catalog.rules import AmountRule
from lakehouse_assets.engine import transformed
from lakehouse_assets.keys import Key, Keys
from lakehouse_assets.normalisation.columns import normalised
from lakehouse_assets.normalisation.protection import KEYS_VIEW
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OLD, NEW = Key("k1", bytes(range(32))), Key("k-2.b_", bytes(range(255, 223, -1)))
KEYS = Keys((OLD, NEW))
NONCE = bytes(range(12))


def table(**changes: Any) -> Table:
    """A table of a key and one text, `c`."""
    made = table_of("t", ("id",), id="integer", c="text")
    return replace(made, columns=(made.columns[0], replace(made.columns[1], **changes)))


def statement(spark: SparkSession, texts: list[str | None], held: Table, keys: Keys = KEYS) -> str:
    """SQL of the column's values, as a fold computes them."""
    transformed.show_keys(spark, held, keys)
    spark.createDataFrame(list(enumerate(texts)), "id int, c string").createOrReplaceTempView("texts_to_protect")

    def known(_: Column) -> str:
        return "false"

    return normalised("SELECT * FROM texts_to_protect", held, (), known)


def held(spark: SparkSession, texts: list[str | None], keys: Keys = KEYS, **changes: Any) -> list[Any]:
    """What the lake holds of each text."""
    rows = spark.sql(f"{statement(spark, texts, table(**changes), keys)} ORDER BY id").collect()
    return [row.asDict() for row in rows]


def sealed(key: Key, clear: str | bytes, nonce: bytes = NONCE) -> str:
    data = clear.encode() if isinstance(clear, str) else clear
    return f"{key.kid}:{base64.b64encode(nonce + AESGCM(key.key).encrypt(nonce, data, None)).decode()}"


TEXTS = [
    None,
    "",
    "a",
    "abcd",
    "abcde",
    " ab ",
    "São João 🏠",
    "a\u0301",
    "linha\nduas",
    "'\"\\`$%",
    "\x00",
    "x" * 10_000,
]


@pytest.mark.parametrize("keep", [0, 1, 4, 100])
def test_a_mask_leaves_the_last_characters_of_a_longer_text(spark: SparkSession, keep: int) -> None:
    found = [row["c"] for row in held(spark, TEXTS, protect=Protect.MASK, keep=keep)]
    assert found == [
        None
        if text is None
        else "*" * len(text)
        if len(text) <= keep
        else ("*" * len(text) + text[len(text) - keep :])[keep:]
        for text in TEXTS
    ]


def token(text: str) -> str:
    return f"{NEW.kid}:{hmac.digest(NEW.key, text.encode(), hashlib.sha256).hex()}"


def test_a_token_is_the_hmac_of_the_text_by_the_active_key(spark: SparkSession) -> None:
    found = [row["c"] for row in held(spark, TEXTS, protect=Protect.TOKEN)]
    assert found == [None if text is None else token(text) for text in TEXTS]


PERSONS = [
    *(("52998224725", text) for text in ("529.982.247-25", "52998224725", " 529.982.247-25 ", "529 982 247 25", "529982247-25")),
    *(("11222333000181", text) for text in ("11.222.333/0001-81", "11222333000181", "11.222.333/000181")),
    ("00000000000", "000.000.000-00"),
]  # fmt: skip


def test_a_person_has_one_token_however_the_number_is_written(spark: SparkSession) -> None:
    found = [row["c"] for row in held(spark, [text for _, text in PERSONS], protect=Protect.TOKEN)]
    assert found == [token(digits) for digits, _ in PERSONS]


def test_what_is_no_number_of_a_person_is_taken_as_it_is(spark: SparkSession) -> None:
    texts = [
        "529.982.247-2",
        "529.982.247-251",
        "CPF 52998224725",
        "52998224725a",
        "529.982.247-25\n",
        "٥٢٩٩٨٢٢٤٧٢٥",
        "-",
    ]
    found = [row["c"] for row in held(spark, [*texts], protect=Protect.TOKEN)]
    assert found == [token(text) for text in texts]


def test_equal_texts_have_equal_tokens_and_another_key_gives_others(spark: SparkSession) -> None:
    one, two = held(spark, ["ana", "ana"], protect=Protect.TOKEN)
    assert one["c"] == two["c"]
    (other,) = held(spark, ["ana"], Keys((NEW, OLD)), protect=Protect.TOKEN)
    assert other["c"] == f"k1:{hmac.digest(OLD.key, b'ana', hashlib.sha256).hex()}"


CLEAR = ["", "a", "São João 🏠", "linha\nduas", "k1:AAAA", "\x00", "x" * 10_000]


def test_what_was_sealed_with_any_live_key_is_opened(spark: SparkSession) -> None:
    texts = [sealed(key, clear, nonce) for clear in CLEAR for key in KEYS.live for nonce in (NONCE, b"\xff" * 12)]
    rows = held(spark, [*texts], protect=Protect.DECRYPT)
    assert [row["c"] for row in rows] == [clear for clear in CLEAR for _ in range(4)]
    assert [row["c__raw"] for row in rows] == texts
    assert {(row["c__status"], row["_clause_c"]) for row in rows} == {("ok", "clear")}


def test_what_cannot_be_opened_has_a_status_and_keeps_its_text(spark: SparkSession) -> None:
    good = sealed(NEW, "alô mundo")
    kid, _, cipher = good.partition(":")
    data = bytearray(base64.b64decode(cipher))
    flipped = [bytes(b ^ (1 << 3) if i == at else b for i, b in enumerate(data)) for at in range(len(data))]
    texts = [
        "", ":", "alô", "kx", f"kx:{cipher}", f":{cipher}", f"K-2.B_:{cipher}", f"k1:{cipher}", f" {good}", f"{kid}:", f"{kid}: ",
        f"{kid}:%", f"{kid}:{cipher}é", f"{kid}:{base64.b64encode(bytes(data[:27])).decode()}", f"{kid}:{base64.b64encode(b'x').decode()}",
        f"{kid}:{base64.b64encode(bytes(data[:-1])).decode()}", f"{kid}:{base64.b64encode(bytes(data) + b'x').decode()}",
        *(f"{kid}:{base64.b64encode(bad).decode()}" for bad in flipped), sealed(NEW, b"\xff\xfe not UTF-8"), sealed(NEW, b"\xed\xa0\x80"),
        f"{kid}:{kid}:{cipher}",
    ]  # fmt: skip
    rows = held(spark, [*texts], protect=Protect.DECRYPT)
    assert [
        row["c__raw"]
        for row in rows
        if (row["c"], row["c__status"], row["_clause_c"]) == (None, "decrypt_failed", "cipher")
    ] == texts


def test_null_is_null_and_no_failure(spark: SparkSession) -> None:
    (row,) = held(spark, [None], protect=Protect.DECRYPT)
    assert (row["c"], row["c__raw"], row["c__status"]) == (None, None, "ok")


def test_what_was_opened_goes_through_its_rule(spark: SparkSession) -> None:
    texts = [sealed(OLD, "R$ 1.234,56"), sealed(OLD, "1,234"), sealed(OLD, "n/a"), "1.234,56", None]
    rows = held(spark, [*texts], protect=Protect.DECRYPT, rule=AmountRule())
    found = [(str(row["c"]), row["c__status"], row["_clause_c"]) for row in rows]
    assert found == [
        ("1234.56", "ok", "two_marks"),
        ("None", "ambiguous", "comma_three"),
        ("None", "ok", "empty"),
        ("None", "decrypt_failed", "cipher"),
        ("None", "ok", "empty"),
    ]
    assert [row["c__raw"] for row in rows] == texts


def test_a_dropped_column_is_nowhere(spark: SparkSession) -> None:
    assert [list(row) for row in held(spark, ["a"], protect=Protect.DROP)] == [["id"]]


class Recording:
    """A session that keeps every statement it is given."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark, self.statements = spark, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.spark, name)

    def sql(self, statement: str, *more: Any, **named: Any) -> DataFrame:
        self.statements.append(statement)
        return self.spark.sql(statement, *more, **named)


def written(key: bytes) -> list[str]:
    """The ways in which a key, or the two blocks that HMAC makes of it, could be shown."""
    blocks = [key, *(bytes(b ^ pad for b in key.ljust(64, b"\0"))[:32] for pad in (0x36, 0x5C))]
    found = [
        way
        for block in blocks
        for way in (block.hex(), base64.b64encode(block).decode()[:40], str([*block])[1:-1], repr(block)[2:-1])
    ]
    return [way[:24].lower() for way in found]


def shows_a_key(text: str) -> bool:
    return any(way in text.lower() for key in KEYS.live for way in written(key.key))


MODES = ("EXTENDED", "CODEGEN", "COST", "FORMATTED")


@pytest.mark.parametrize("protect", [Protect.TOKEN, Protect.DECRYPT])
def test_no_statement_and_no_plan_shows_a_key(spark: SparkSession, protect: Protect) -> None:
    select = statement(spark, ["ana", sealed(OLD, "ana")], table(protect=protect))
    assert not shows_a_key(select)
    for mode in MODES:
        plan = "\n".join(row[0] for row in spark.sql(f"EXPLAIN {mode} {select}").collect())
        assert len(plan) > 100
        assert not shows_a_key(plan), mode


def test_a_key_that_is_shown_would_be_seen(spark: SparkSession) -> None:
    literal = f"SELECT X'{OLD.key.hex()}' AS c FROM range(2)"
    plan = "\n".join(row[0] for row in spark.sql(f"EXPLAIN EXTENDED {literal}").collect())
    assert shows_a_key(literal)
    assert shows_a_key(plan)
    shown = spark.sql(f"SELECT * FROM {KEYS_VIEW}").collect()[0]
    assert shows_a_key(str(bytes(shown["_keys"]["k1"])))


def test_a_fold_shows_a_key_in_no_statement_no_plan_and_no_file(spark: SparkSession, tmp_path: Path) -> None:
    made = table_of("t", ("id",), id="integer", cpf="text", nota="text")
    protect = {"cpf": Protect.TOKEN, "nota": Protect.DECRYPT}
    made = replace(made, columns=tuple(replace(c, protect=protect.get(c.name)) for c in made.columns))
    recording: Any = Recording(spark)
    lab = Lab(recording, tmp_path)
    rows = [{"id": 1, "cpf": "52998224725", "nota": sealed(OLD, "x")}, {"id": 2, "cpf": None, "nota": "no cipher"}]
    lab.land({"t": [Event(i, "insert", json.dumps({"id": row["id"]}), row, i, i) for i, row in enumerate(rows)]})
    transformed.fold(recording, made, lab.paths, lab.land({"t": []}), KEYS)
    assert [row["nota"] for row in sorted(lab.rows(made), key=lambda row: row["id"])] == ["x", None]
    assert any("MERGE INTO" in statement for statement in recording.statements)
    for one in recording.statements:
        assert not shows_a_key(one)
        if one.strip().upper().startswith(("MERGE", "SELECT")):
            plan = "\n".join(row[0] for row in spark.sql(f"EXPLAIN EXTENDED {one}").collect())
            assert not shows_a_key(plan)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert all(key.key not in content for key in KEYS.live)
            assert not shows_a_key(content.decode("latin-1"))
