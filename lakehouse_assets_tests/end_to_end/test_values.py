"""Values on the real stack: one column of each kind, from PostgreSQL's text to the lake's cell, and back when it is corrected."""

from __future__ import annotations

import json

import pytest

from lakehouse_assets.demo.cipher import encrypt
from lakehouse_assets.keys import load_keys
from lakehouse_assets_tests import searching

pytestmark = pytest.mark.stack

COLUMNS = "imovel_id, competencia, data_vencimento, data_pagamento, valor, valor_multa, cpf_pagador, linha_digitavel, observacao"


def _insert(words, key: int, **texts: str) -> None:
    given = {name: texts.get(name) for name in COLUMNS.split(", ")[1:]}
    values = ", ".join("NULL" if v is None else "'" + v.replace("'", "''") + "'" for v in given.values())
    words.source(f"insert into boletos (boleto_id, {COLUMNS}) select {key}, min(imovel_id), {values} from imoveis")


def _rows(words, columns: str) -> list[dict]:
    return words.rows(f"SELECT boleto_id AS id, {columns} FROM transformed.boletos WHERE boleto_id > 900000 ORDER BY 1")


@pytest.fixture(scope="module")
def read(words):
    """A row whose texts can be read, one whose texts cannot, and one to correct: all in the lake."""
    key = load_keys(words.stack.settings).active
    _insert(
        words, 900001, competencia="jan/24", data_vencimento="01/02/2024", data_pagamento="quarta-feira, 31 de jan. de 2024",
        valor="R$\u00a01.234,56", valor_multa="(10,00)", cpf_pagador="529.982.247-25", linha_digitavel="12345678901234",
        observacao=encrypt(key, "pago em mãos", b"salt"),
    )  # fmt: skip
    _insert(
        words, 900002, competencia="2024", data_vencimento="31/02/2024", data_pagamento="12/13/2024", valor="1,234",
        valor_multa="1.23", cpf_pagador="52998224725", observacao="k9:AAAA",
    )  # fmt: skip
    _insert(words, 900003, valor="a combinar")
    words.settle()
    return words


def test_each_kind_of_column_holds_what_its_rule_says(read):
    key = load_keys(read.stack.settings).active
    good, bad, _ = _rows(read, "* EXCLUDE (boleto_id)")
    assert {name: good[name] for name in ("competencia", "data_vencimento", "data_pagamento", "valor", "valor_multa")} == {
        "competencia": "2024-01-01", "data_vencimento": "2024-02-01", "data_pagamento": "2024-01-31", "valor": "1234.56",
        "valor_multa": "-10.00",
    }  # fmt: skip
    assert (good["valor__raw"], good["competencia__status"]) == ("R$\u00a01.234,56", "assumed")
    assert (good["linha_digitavel"], good["observacao"]) == ("**********1234", "pago em mãos")
    assert good["cpf_pagador"] == bad["cpf_pagador"]
    assert good["cpf_pagador"].startswith(f"{key.kid}:")
    statuses = {name: value for name, value in bad.items() if name.endswith("__status")}
    assert statuses == {
        "competencia__status": "invalid", "data_vencimento__status": "invalid", "data_pagamento__status": "ambiguous",
        "valor__status": "ambiguous", "valor_multa__status": "invalid", "observacao__status": "decrypt_failed",
    }  # fmt: skip


def test_a_corrected_cell_leaves_the_quarantine_by_itself(read):
    entries = json.loads(read.run("quarantine", "boletos", "--json").stdout)
    (entry,) = [e for e in entries if e["key"] == '{"boleto_id":900003}']
    assert (entry["column_name"], entry["raw"], entry["status"], entry["clause"]) == (
        "valor",
        "a combinar",
        "invalid",
        "no_form",
    )
    read.source("update boletos set valor = '10,00' where boleto_id = 900003")
    read.settle()
    assert [e for e in json.loads(read.run("quarantine", "boletos", "--json").stdout) if e["key"] == entry["key"]] == []
    closed = json.loads(read.run("quarantine", "boletos", "--resolved", "--json").stdout)
    assert [e["raw"] for e in closed if e["key"] == entry["key"]] == ["a combinar"]


def test_words_about_values(words):
    assert "boletos" in words.run("dictionary").stdout
    told = words.run("dictionary", "explain", "boletos.valor", "R$ 1.234,56").stdout
    assert "1234.56" in told
    assert "two_marks" in told
    assert "no such column" in words.run("dictionary", "explain", "boletos.nada", "x", code=2).stderr
    assert "no such table" in words.run("rebuild", "nada", code=2).stderr
    rebuilt = words.run("rebuild", "boletos").stdout
    assert "no cell changed" in rebuilt
    words.settle()


def test_no_secret_and_no_clear_personal_text_is_in_a_log_or_a_table(words):
    """Every file of the stack's logs, of Dagster's and of the lake above raw."""
    keys = load_keys(words.stack.settings)
    secrets = [key.key for key in keys.live] + [key.key.hex().encode() for key in keys.live]
    places = [words.stack.settings.home / "logs", words.stack.settings.dagster_home, words.stack.settings.lake / "transformed",
              words.stack.settings.lake / "quarantine"]  # fmt: skip
    assert searching.holders([*secrets, b"529.982.247-25", b"52998224725"], *places) == []
