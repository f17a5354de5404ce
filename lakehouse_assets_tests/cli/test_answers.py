"""The answer to a query is printed whole, in every form and whatever its names and values are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.cli.answers import render
from lakehouse_assets.engine.reader import open_lake


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What a SELECT without a table is answered, in a form."""

    def of(select: str, form: str) -> str:
        with open_lake(LakePaths(tmp_path)) as lake:
            render(lake.query(f"SELECT {select}"), form)
        return capsys.readouterr().out

    return of


def test_intervals_are_text(printed) -> None:
    intervals = "INTERVAL '1 day 2 hours' AS a, -INTERVAL '90 minutes' AS b, [INTERVAL '1 second'] AS c"
    assert json.loads(printed(intervals, "json")) == [{"a": "1 day, 2:00:00", "b": "-1:30:00", "c": ["0:00:01"]}]
    assert printed(intervals, "csv").splitlines()[1].startswith('"1 day, 2:00:00",-1:30:00,')


def test_columns_of_one_name_are_all_there(printed) -> None:
    assert json.loads(printed("1 AS valor, 2 AS valor, 3 AS Valor, 4 AS valor_1, 5 AS valor", "json")) == [
        {"valor": 1, "valor_1": 2, "Valor": 3, "valor_1_1": 4, "valor_2": 5}
    ]


def test_brackets_are_shown_as_they_are(printed) -> None:
    table = printed(r"""'\[/a]' AS "[/x]", '[red]z :smile:' AS "col[i]", 'a' || chr(27) AS "b[1m" """, "table")
    for text in ("[/x]", "col[i]", r"\[/a]", "[red]z :smile:", "a�", "b�[1m"):
        assert f" {text} " in table
