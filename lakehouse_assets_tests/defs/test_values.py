"""The checks of values: each fails when it must, as loudly as it must, and none shows what is protected."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dagster import AssetCheckEvaluation, AssetCheckSeverity, ExecuteInProcessResult

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.defs import transformed
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.transformed import Standards
from lakehouse_assets.keys import Key, Keys
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.defs.running import metadata, run, verdicts
from lakehouse_assets_tests.engine.lab import Lab

CATALOG = """
[tables.contas]
key = ["id"]
[tables.contas.columns]
id = "integer"
data_pagto = "text"
"Valor(R$)" = "text"
data_json = "text"
vencimento = { type = "text", rule = "date" }
nota = "text"
Contato = { type = "text", holds = ["email", "phone"] }
cpf = { type = "text", protect = "token" }
linha = { type = "text", protect = "mask", keep = 4 }
sigilo = { type = "text", protect = "decrypt" }
senha = { type = "text", protect = "drop" }
"""
REFINED = """-- description: d
-- owner: o
-- grain: iD
SELECT ID AS Id, upper(nota) AS Nota, contato, transformed.contas.cpf AS Cpf, sigilo FROM transformed.contas
"""
KEY = Key("k1", b"k" * 32)
CPF, LINE, SECRET, PASSWORD = (
    "529.982.247-25",
    "34191790010104351004791020150008291070026000",
    "não conte",
    "hunter2hunter2",
)
SEALED = "k1:" + base64.b64encode(b"n" * 12 + AESGCM(KEY.key).encrypt(b"n" * 12, SECRET.encode(), None)).decode()
GOOD = {
    "data_pagto": "31/01/2024", "Valor(R$)": "R$ 1.234,56", "data_json": None, "vencimento": "2024-01-31", "nota": "em dia",
    "Contato": "ana@exemplo.com (11) 98765-4321", "cpf": CPF, "linha": LINE, "sigilo": SEALED, "senha": PASSWORD,
}  # fmt: skip
DATE, AMOUNT, BY_NAME = "values_of_data_pagto", "values_of_Valor_R__", "rule_fits_data_pagto"
LOST, PERSONAL = "nothing_lost", "no_personal_data"


class Accounts:
    """The table `contas` and a refined table over it, in a lake in a folder."""

    def __init__(self, lab: Lab, tmp_path: Any) -> None:
        self.lab, self.landed = lab, 0
        (tmp_path / "lakehouse.toml").write_text(CATALOG, encoding="utf-8")
        folder = tmp_path / "refined"
        folder.mkdir()
        (folder / "clientes.sql").write_text(REFINED, encoding="utf-8")
        self.catalog = load_catalog(tmp_path / "lakehouse.toml")
        self.refined = load_refined(folder, self.catalog)

    def land(self, *rows: dict[str, Any]) -> None:
        """Insert rows, each like a good one but for what is given."""
        events = []
        for i, row in enumerate(rows, self.landed):
            events.append(Event(i, "insert", json.dumps({"id": i}), {"id": i, **GOOD, **row}, 100 + i, i))
        self.landed += len(rows)
        self.lab.land({"contas": events})

    def run(self, standards: Standards | None = None) -> ExecuteInProcessResult:
        """Fold and compute."""
        folds = transformed.build(self.catalog, standards, lambda: Keys((KEY,)))
        assets = [*folds, *refined.build(self.refined, self.catalog)]
        return run(self.lab.paths, assets, "transformed/contas", "refined/clientes")


@pytest.fixture
def accounts(spark: Any, tmp_path: Any) -> Accounts:
    return Accounts(Lab(spark, tmp_path / "lake"), tmp_path)


def evaluation(result: ExecuteInProcessResult, name: str) -> AssetCheckEvaluation:
    """The one evaluation of a check of the transformed table."""
    (found,) = [
        e for e in result.get_asset_check_evaluations() if e.check_name == name and e.asset_key.path[0] == "transformed"
    ]
    return found


def verdict(result: ExecuteInProcessResult, name: str) -> str:
    found = evaluation(result, name)
    return "passed" if found.passed else found.severity.value


def told(result: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    return {key: value.value for key, value in evaluation(result, name).metadata.items()}


def everything_told(result: ExecuteInProcessResult) -> str:
    """All that the events of a run say, as Dagster stores them."""
    return "\n".join(str(event) for event in result.all_events)


def test_each_judged_column_has_its_checks_and_only_a_rule_by_name_may_not_fit(accounts: Accounts) -> None:
    (asset,) = transformed.build(accounts.catalog)
    names = {spec.name for spec in asset.check_specs}
    assert {name for name in names if name.startswith("values_of_")} == {
        DATE, AMOUNT, "values_of_data_json", "values_of_vencimento", "values_of_sigilo",
    }  # fmt: skip
    assert {name for name in names if name.startswith("rule_fits_")} == {
        BY_NAME,
        "rule_fits_Valor_R__",
        "rule_fits_data_json",
    }
    blocking = {spec.name for spec in asset.check_specs if spec.blocking}
    assert blocking == {"mass_change", "key_unique", "no_placeholder", "position_equals_cut", LOST, PERSONAL}


def test_good_rows_pass_every_check_and_nothing_protected_is_shown(accounts: Accounts) -> None:
    accounts.land({}, {"nota": None, "data_pagto": None, "Valor(R$)": "n/a", "sigilo": None, "cpf": None})
    result = accounts.run()
    assert result.success
    assert set(verdicts(result).values()) == {True}
    assert told(result, LOST) == {"rows": 2, "rows with every value": 2, "rows in quarantine": 0}
    assert told(result, DATE)["texts"] == 1
    shown = metadata(result, "transformed/contas")
    header, _, *rows = shown["preview"].splitlines()
    assert "| id | data_pagto | data_pagto__raw | data_pagto__status | Valor(R$) |" in header
    assert not {"cpf", "linha", "sigilo", "sigilo__raw", "senha"} & set(header.strip("| ").split(" | "))
    assert len(rows) == 2
    assert "em dia" in rows[1]
    header, _, *rows = metadata(result, "refined/clientes")["preview"].splitlines()
    assert header == "| Id | Nota | contato |"
    assert rows == ["| 0 | EM DIA | ana@exemplo.com (11) 98765-4321 |", "| 1 |  | ana@exemplo.com (11) 98765-4321 |"]
    everything = everything_told(result)
    assert "em dia" in everything
    for hidden in (
        CPF,
        "52998224725",
        LINE,
        f"*{LINE[-4:]}",  # as the mask keeps them; alone they may be digits of a duration
        SECRET,
        SEALED,
        SEALED[3:],
        PASSWORD,
        KEY.key.decode(),
        KEY.key.hex(),
    ):
        assert hidden not in everything


def test_unreadable_texts_warn_and_fail_above_their_shares(accounts: Accounts) -> None:
    """Of ten texts of `vencimento` and of the others so many are unreadable; a NULL is no text."""
    bad = {"data_pagto": 0, "Valor(R$)": 1, "data_json": 2, "vencimento": 4, "sigilo": 5}
    accounts.land(
        *(
            {column: "x" for column, many in bad.items() if i < many} | {"data_json": "x" if i < 2 else "1/2/2024"}
            for i in range(10)
        )
    )
    accounts.land({**dict.fromkeys(bad), "nota": None})
    result = accounts.run(Standards(warn=0.1, error=0.4))
    names = {column: f"values_of_{column.replace('(R$)', '_R__')}" for column in bad}
    assert {column: verdict(result, name) for column, name in names.items()} == {
        "data_pagto": "passed", "Valor(R$)": "passed", "data_json": "WARN", "vencimento": "WARN", "sigilo": "ERROR",
    }  # fmt: skip
    for column, many in bad.items():
        found = told(result, names[column])
        assert (found["unreadable share"], found["texts"]) == (many / 10, 10)
        assert found.get("status ok", 0) + found.get("status assumed", 0) == 10 - many
    assert (
        told(result, names["vencimento"])["status invalid"],
        told(result, names["vencimento"])["clause no_form"],
    ) == (4, 4)
    assert (told(result, names["sigilo"])["status decrypt_failed"], told(result, names["sigilo"])["clause cipher"]) == (
        5,
        5,
    )
    assert told(result, LOST) == {"rows": 11, "rows with every value": 6, "rows in quarantine": 5}
    assert verdict(result, LOST) == "passed"
    assert result.success, "what cannot be read blocks nothing"


def test_the_usual_shares_are_one_in_a_thousand_and_one_in_a_hundred() -> None:
    assert Standards() == Standards(warn=0.001, error=0.01)


def test_a_name_that_promises_dates_over_a_column_without_them_is_told_how_to_switch_the_rule_off(
    accounts: Accounts,
) -> None:
    """What is ambiguous is unread, but speaks for the rule."""
    dates = ["x", "x", "01/31/2024", *["31/01/2024"] * 7]
    accounts.land(
        *({"data_json": '{"a": 1}' if i < 3 else "31/01/2024", "data_pagto": text} for i, text in enumerate(dates))
    )
    result = accounts.run()
    assert (verdict(result, "rule_fits_data_json"), verdict(result, BY_NAME)) == ("WARN", "passed")
    found = told(result, "rule_fits_data_json")
    assert found["invalid share of the first 1,000 texts"] == 0.3
    assert 'data_json = { type = "text", rule = "none" } under [tables.contas.columns]' in found["next step"]
    assert told(result, BY_NAME)["invalid share of the first 1,000 texts"] == 0.2
    assert (verdict(result, DATE), told(result, DATE)["unreadable share"]) == ("ERROR", 0.3)


def test_personal_data_in_a_free_text_blocks_what_rests_on_it_and_is_shown_nowhere(accounts: Accounts) -> None:
    """What a column may hold does not hide what it may not, however often it holds it; older rows are not searched again."""
    texts = [
        ("nota", f"pago por {CPF}"), ("nota", "CNPJ 11.222.333/0001-81"), ("nota", "bia@exemplo.com"), ("nota", "ligar (21) 98765-4321"),
        ("Contato", f"Ana, {CPF}"), ("data_pagto", CPF),
    ]  # fmt: skip
    accounts.land(*({} for _ in range(1_001)), *({column: text} for column, text in texts), {})
    result = accounts.run()
    assert verdict(result, PERSONAL) == "ERROR"
    kinds = ("nota: cpf", "nota: cnpj", "nota: email", "nota: phone", "Contato: cpf", "data_pagto__raw: cpf")
    assert told(result, PERSONAL) == {f"texts in {kind}": 1 for kind in kinds}
    assert not result.success
    assert not accounts.lab.paths.refined("clientes").exists()
    everything = everything_told(result)
    for _, text in texts:
        assert text not in everything
    assert "(cpf)" in metadata(result, "transformed/contas")["preview"]
    accounts.land({})
    result = accounts.run()
    assert verdict(result, PERSONAL) == "passed"
    assert CPF not in everything_told(result)


def test_a_bad_cell_without_its_entry_in_quarantine_is_a_loss(accounts: Accounts) -> None:
    """One row with two bad cells is one row in quarantine."""
    accounts.land({"data_pagto": "x"}, {"Valor(R$)": "y"}, {"data_pagto": "x", "Valor(R$)": "z"}, {})
    result = accounts.run()
    assert verdict(result, LOST) == "passed"
    assert told(result, LOST) == {"rows": 4, "rows with every value": 1, "rows in quarantine": 3}
    assert AssetCheckSeverity(verdict(result, DATE)) is AssetCheckSeverity.ERROR
    quarantine = f"delta.`{accounts.lab.paths.quarantine}`"
    accounts.lab.spark.sql(f"DELETE FROM {quarantine} WHERE raw = 'y'")
    assert told(accounts.run(), LOST)["rows in quarantine"] == 3  # what is missing there comes with the next run
    accounts.lab.spark.sql(f"UPDATE {quarantine} SET key = '{{\"id\":0}}' WHERE raw = 'y'")
    result = accounts.run()
    assert verdict(result, LOST) == "ERROR"
    assert told(result, LOST) == {"rows": 4, "rows with every value": 1, "rows in quarantine": 2}
    assert not result.success


def test_columns_and_tables_without_anything_pass(accounts: Accounts) -> None:
    accounts.land(dict.fromkeys(GOOD))
    result = accounts.run()
    assert set(verdicts(result).values()) == {True}
    accounts.lab.land({"contas": [Event(accounts.landed, "delete", '{"id":0}', None, 900, 900)]})
    result = accounts.run()
    assert result.success
    assert set(verdicts(result).values()) == {True}
    assert told(result, LOST) == {"rows": 0, "rows with every value": 0, "rows in quarantine": 0}
