"""Every page in a real browser, on a desk and on a telephone: its numbers are those of refined, and it keeps within the screen."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from deltalake import DeltaTable
from playwright.sync_api import Browser, Page

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.dashboard.browser import WIDTHS, go, opened, served, settled, visit

# How far the page, which scrolls inside Streamlit's own frame, is wider than the screen.
WIDER = "(m => Math.max(m.scrollWidth - m.clientWidth, document.documentElement.scrollWidth - innerWidth))(document.querySelector('[data-testid=stMain]'))"
TITLES = ("Visão geral", "Condomínio", "Transações", "Qualidade", "Plataforma")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture(scope="module")
def own(paths: LakePaths, tmp_path_factory: pytest.TempPathFactory) -> LakePaths:
    """A lake that may be changed."""
    root = tmp_path_factory.mktemp("served") / "lake"
    shutil.copytree(paths.root, root)
    return LakePaths(root)


@pytest.fixture(scope="module")
def url(words: dict[str, str], own: LakePaths) -> Iterator[str]:
    with served(words | {"LAKEHOUSE_LAKE": str(own.root)}, own.root.parent / "log") as url:
        yield url


@pytest.fixture(scope="module", params=WIDTHS)
def visited(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[tuple[Page, list[str]]]:
    """One visit on one screen, at the first page."""
    with visit(browser, request.param) as (page, complaints):
        page.goto(url)
        settled(page, TITLES[0])
        yield page, complaints


def test_every_page_shows_what_refined_holds(visited: tuple[Page, list[str]], paths: LakePaths) -> None:
    page, complaints = visited
    expected = _expected(paths)
    for title in TITLES:
        go(page, title)
        shown = _figures(page)
        assert shown.items() >= expected[title].items(), title
        assert page.evaluate(WIDER) <= 0, f"{title} is too wide"
        assert not page.get_by_test_id("stException").count()
        if title != "Qualidade":
            assert _drawn(page, {"Visão geral": 3, "Condomínio": 2, "Transações": 1, "Plataforma": 0}[title]), title
    assert complaints == []


def test_a_name_is_shown_as_it_is_written(visited: tuple[Page, list[str]]) -> None:
    page, _ = visited
    go(page, "Condomínio")
    page.get_by_test_id("stSelectbox").locator("input").click()
    page.get_by_role("option", name=re.compile("Solar")).click()
    page.wait_for_function("document.body.innerText.includes('R$ 1.050,00'.replace(' ', '\\u00a0'))")
    assert page.get_by_test_id("stSelectbox").locator("input").input_value() == f"{lake.NASTY} · 1"


def test_a_link_to_a_condominium_in_english_is_kept(browser: Browser, url: str) -> None:
    with visit(browser, 1280) as (page, _):
        page.goto(f"{url}/condominio?condominio=1&lang=en")
        settled(page, "Condominium")
        assert _figures(page)["Overdue"] == "R$1,050.00"
        page.get_by_test_id("stButtonGroup").get_by_text("PT").click()
        settled(page, "Condomínio")
        assert _figures(page)["Em atraso"] == "R$ 1.050,00"


def test_two_people_read_different_languages_at_once(browser: Browser, url: str) -> None:
    with visit(browser, 1280) as (one, _), visit(browser, 390) as (other, _):
        one.goto(url)
        other.goto(f"{url}/?lang=en")
        settled(one, "Visão geral")
        settled(other, "Overview")
        assert (_figures(one)["Transações"], _figures(other)["Transactions"]) == ("72", "72")


def test_an_open_page_follows_the_lake_by_itself(browser: Browser, url: str, own: LakePaths) -> None:
    """From figures to newer ones, to a lake out of reach and back, without a hand on it."""
    with visit(browser, 1280) as (page, errors):
        page.goto(url)
        page.get_by_text("R$ 1.750,00").wait_for()
        more = [*lake.DEBTS, (2, "Villa Aurora", 28, "k1:28", lake.BASE, 4, 1, "100.00", "31 a 60 dias", 0)]
        lake.write(own.refined("inadimplencia"), lake.DEBT, more, inputs={"boletos": 7})
        page.get_by_text("R$ 1.850,00").wait_for(timeout=90_000)
        away = own.root.rename(own.root.with_name("away"))
        page.get_by_text("O lago não pode ser lido").wait_for(timeout=90_000)
        away.rename(own.root)
        page.get_by_text("R$ 1.850,00").wait_for(timeout=90_000)
        assert errors == []


def _figures(page: Page) -> dict[str, str]:
    cards = page.locator(".lk-figure").evaluate_all(
        "all => all.map(c => [c.children[0].innerText, c.children[1].innerText])"
    )
    return {label: figure.replace("\xa0", " ") for label, figure in cards}


def _drawn(page: Page, charts: int) -> bool:
    """Whether that many charts have drawn something."""
    found = page.get_by_test_id("stVegaLiteChart").locator("canvas, svg")
    deadline = time.monotonic() + 15
    while found.count() < charts and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    return found.count() == charts


def _expected(paths: LakePaths) -> dict[str, dict[str, str]]:
    """The figures as plain sums over the refined tables, without the page's own queries."""

    def rows(name: str) -> list[dict[str, Any]]:
        return DeltaTable(str(paths.refined(name))).to_pyarrow_table().to_pylist()

    outline, debts = rows("panorama_por_condominio"), rows("inadimplencia")
    received = sum(row["receita"] for row in rows("receita_mensal_por_condominio"))
    (aurora,) = (row for row in outline if row["condominio_id"] == 2)
    return {
        "Visão geral": {
            "Recebido em boletos": _money(received),
            "Em atraso": _money(sum(row["valor_vencido"] for row in debts)),
            "Transações": str(sum(row["transacoes"] for row in outline)),
            "Condomínios": str(len(outline)),
        },
        "Condomínio": {
            "Em atraso": _money(sum(row["valor_vencido"] for row in debts if row["condominio_id"] == 2)),
            "Transações": str(aurora["transacoes"]),
            "Imóveis": str(aurora["imoveis"]),
            "Moradores": str(aurora["moradores"]),
        },
        "Transações": {"Linhas": "5"},
        "Qualidade": {"Em quarentena": "3", "Tabelas iguais à origem": "3/5"},
        "Plataforma": {"Serviços no ar": "0", "Motor": "parado", "Sensor": "sem resposta"},
    }


def _money(value: Decimal) -> str:
    return "R$ " + f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
