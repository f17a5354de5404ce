"""Every page, run as Streamlit runs it: its figures are those of refined, its filters work, what is missing is said."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import StreamState
from lakehouse_assets.dashboard import state, theme
from lakehouse_assets.progress import freshness
from lakehouse_assets.progress.lag import TableLag
from lakehouse_assets.progress.sensor import SensorState
from lakehouse_assets.progress.status import Seen, Status
from lakehouse_assets.stack.service import ServiceState
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.defs import small_lake

PAGES = ("overview", "condominium", "transactions", "quality", "platform")


@pytest.fixture
def app(words: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """Opens a page of a lake (the small one), in a language."""

    def open_page(name: str, root: Path | None = None, language: str = "pt") -> AppTest:
        for word, value in (words | ({"LAKEHOUSE_LAKE": str(root)} if root else {})).items():
            monkeypatch.setenv(word, value)
        page = AppTest.from_file(str(theme.HERE / "app.py"), default_timeout=30)
        page.session_state["lang"] = language
        page.run()
        if name != "overview":
            page.switch_page(f"pages/{name}.py").run()
        return page

    return open_page


def text(page: AppTest) -> str:
    """All that the page says in HTML, without the style."""
    bodies = [block.body for block in page.html if "<style" not in block.body]
    return html.unescape(re.sub(r"<[^>]+>", "|", "\n".join(bodies))).replace("\xa0", " ")


def figures(page: AppTest) -> dict[str, tuple[str, str]]:
    """label -> (figure, line below)."""
    form = r'<div class="lk-figure"><span>(.*?)</span><b>(.*?)</b><small>(.*?)</small>'
    found = re.findall(form, "\n".join(block.body for block in page.html))
    return {label: (html.unescape(b).replace("\xa0", " "), html.unescape(s).replace("\xa0", " ")) for label, b, s in found}  # fmt: skip


def rows(page: AppTest, key: str) -> list[list[str]]:
    """The cells of a table."""
    (table,) = (block.body for block in page.html if f'id="{key}"' in block.body)
    body = table.split("<tbody>")[1]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).replace("\xa0", " ") for cell in row] for row in cells]


def test_the_overview(app) -> None:
    page = app("overview")
    assert not page.exception
    assert figures(page) == {
        "Recebido em 12 meses": ("R$ 30.900,75", "abr/25 a mar/26 · 39 boletos"),
        "Recebido em boletos": ("R$ 30.900,75", "39 boletos pagos"),
        "Em atraso": ("R$ 1.750,00", "13 imóveis · em 31/03/2026"),
        "Transações": ("72", "R$ 32.500,50 · última em 25/03/2026"),
        "Condomínios": ("5", "19 imóveis · 28 moradores"),
    }
    assert rows(page, "top") == [["Villa Aurora · 2", "8", "R$ 23.200,25", "R$ 700,00"]]
    assert "4 boletos pagos não puderam ser lidos" in text(page)
    assert len(page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")) == 3


def test_a_condominium_and_the_choice_of_another(app) -> None:
    page = app("condominium")
    assert not page.exception
    assert page.selectbox[0].value == 2, "the largest comes first"
    assert figures(page)["Recebido em 12 meses"] == ("R$ 23.200,25", "abr/25 a mar/26 · 23 boletos")
    assert figures(page)["Imóveis"] == ("8", "avaliados em R$ 900.000,00")
    assert rows(page, "months") == [
        ["mar/26", "8", "R$ 8.200,25", "-R$ 4,00"],
        ["fev/26", "7", "R$ 7.000,00", "R$ 0,00"],
        ["jan/26", "8", "R$ 8.000,00", "R$ 20,00"],
    ]
    page.selectbox[0].select(1).run()
    assert not page.exception
    assert figures(page)["Em atraso"] == ("R$ 1.050,00", "6 imóveis · em 31/03/2026")
    assert rows(page, "months")[0] == ["mar/26", "menos de 5", "menos de 5", ""]


def test_a_small_condominium_is_named_and_nothing_more(app) -> None:
    page = app("condominium")
    page.selectbox[0].select(3).run()
    assert not page.exception
    assert figures(page) == {}
    assert "menos de 5 imóveis" in text(page)
    assert not any(figure in text(page) for figure in ("700,00", "500,00", "100.000"))


def test_a_condominium_that_would_give_a_small_one_away_says_so(app, tmp_path: Path) -> None:
    lake.write(lake.make(tmp_path).refined("panorama_por_condominio"), lake.OUTLINE, lake.CONDOMINIUMS[:4])
    page = app("condominium", tmp_path)
    page.selectbox[0].select(1).run()
    assert not page.exception
    assert figures(page) == {}
    assert "de outro com menos de 5 imóveis" in text(page)


def test_transactions_filtered_searched_and_grouped(app) -> None:
    page = app("transactions")
    assert not page.exception
    # All types by month; the two of loja in March are hidden with the seven of no type, and so left out of the sum.
    assert figures(page)["Valor"] == ("R$ 2.200,59", "só linhas mostradas")
    assert figures(page)["Transações"] == ("27", "só linhas mostradas")
    assert figures(page)["Linhas"] == ("5", "menos de 5: 1 · oculto: 1")
    page.multiselect[0].set_value(["apartamento"]).run()
    assert figures(page)["Valor"] == ("R$ 1.100,10", "")
    page.multiselect[0].set_value([]).run()
    page.text_input[0].set_value("mar/26").run()
    assert figures(page)["Transações"] == ("11", "só linhas mostradas")
    page.button_group(key="grain").set_value("day").run()
    page.text_input[0].set_value("11/03/2026").run()
    assert figures(page)["Valor"] == ("R$ 500,00", "só linhas mostradas")
    shown = page.dataframe[0].value
    assert shown["Tipo"].tolist() == ["sem tipo", "apartamento"]
    assert shown["Valor"].fillna(0).tolist() == [0.0, 500.0]
    page.text_input[0].set_value("não há").run()
    assert "Nenhuma transação com esse filtro." in text(page)
    assert not page.exception


def test_hidden_figures_are_not_sent_to_the_browser(app) -> None:
    page = app("transactions")
    page.button_group(key="grain").set_value("day").run()
    shown = page.dataframe[0].value
    few = shown[shown["Tipo"] == "loja"]
    assert len(few) == 3
    assert few["Transações"].isna().all()
    assert few["Valor"].isna().all()
    assert page.dataframe[0].proto.placeholder == "oculto", "one of them is of seven"
    page.multiselect[0].set_value(["loja"]).run()
    assert page.dataframe[0].proto.placeholder == "menos de 5"


def test_a_day_whose_amounts_could_not_be_read_is_shown(app, tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    lake.write(paths.refined("transacoes_diarias_por_tipo"), lake.DAILY, [*lake.DAYS, (lake.BASE, "casa", None, 8)])
    page = app("transactions", tmp_path)
    assert not page.exception
    assert figures(page)["Transações"][0] == "35"


def test_quality(app) -> None:
    page = app("quality")
    assert not page.exception
    assert figures(page)["Textos lidos"] == ("78,57%", "de 14 em 2 colunas")
    assert figures(page)["Em quarentena"] == ("3", "1 já resolvidas")
    assert figures(page)["Tabelas iguais à origem"] == ("3/5", "provado até 31/03/2026 09:30")
    assert rows(page, "readings") == [
        ["boletos.valor", "5", "2", "1", "2 invalid", "22,22%"],
        ["boletos.observacao", "4", "0", "5", "1 decrypt_failed", "20%"],
    ]
    assert [row[:5] for row in rows(page, "quarantine")] == [
        ["boletos.valor", "separadores que não formam um número", "invalid", "2", "1.23.4"],
        ["boletos.observacao", "decrypt", "decrypt_failed", "1", "protegido"],
    ]
    assert [row[:3] for row in rows(page, "proofs")] == [
        *([table, "igual", "31/03/2026 09:30"] for table in lake.TABLES[:3]),
        ["transacoes", "nunca verificado", "—"],
        ["boletos", "diferente", "31/03/2026 09:30"],
    ]


def test_the_platform_says_what_is_down(app) -> None:
    page = app("platform")
    assert not page.exception
    assert "A plataforma está parada: nenhum serviço responde." in text(page)
    assert "O Dagster não responde em http://127.0.0.1:19966." in text(page)
    assert "O Kafka não responde" in text(page)
    assert figures(page)["Serviços no ar"][0] == "0"
    assert {row[1] for row in rows(page, "services")} == {"parado"}
    assert rows(page, "lags")[4][:4] == ["boletos", "sem resposta", "0", "em dia"]
    assert [row[0] for row in rows(page, "business")] == sorted(lake.REFINED)


def test_the_platform_as_a_running_stack_tells_it(app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = [
        ServiceState("kafka", "up", 1, "127.0.0.1:1"),
        ServiceState("engine", "failing", None, "sc://127.0.0.1:2"),
        ServiceState("connect", "external", None, "http://elsewhere:3"),
        ServiceState("dashboard", "up", 2, "http://127.0.0.1:4"),
    ]
    lags = [
        TableLag("imoveis", 5, 4, 4, 0, 0.0, unread=0),
        TableLag("boletos", 9, 8, 6, 1234, 125.0, unread=1232, unapplied=2),
    ]
    seen = Seen(
        Status(services, lags, SensorState("running", "requested run 1a2b3c4d"), StreamState(None, None)),
        "http://127.0.0.1:5",
    )
    monkeypatch.setattr(state, "platform", lambda *_: seen)
    monkeypatch.setattr(state, "_running", lambda _: True)
    paths = lake.make(tmp_path)
    lake.write(paths.transformed("boletos"), lake.BILL, lake.BILLS, fold=8)
    page = app("platform", tmp_path)
    assert not page.exception
    assert "Sem resposta: engine." in text(page)
    assert figures(page) == {
        "Atraso do lago": ("1.234", "Mais antiga: 2 min"),
        "Serviços no ar": ("3", "de 4"),
        "Motor": ("falhando", ""),
        "Sensor": ("ligado", "requested run 1a2b3c4d"),
    }
    assert rows(page, "lags") == [
        ["imoveis", "0", "0", "em dia", "0 s"],
        ["boletos", "1.232", "2", "5 tabelas", "2 min"],
    ]
    assert {row[1] for row in rows(page, "business")} == {"aguardando boletos"}


def test_figures_that_are_late_say_so(app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_running", lambda _: True)
    lake.make(tmp_path)
    assert "|Em dia|" in text(app("overview", tmp_path))
    small_lake.land(LakePaths(tmp_path), "boletos", range(7, 9))
    monkeypatch.setattr(freshness, "LATE_SECONDS", -1)
    streamlit.cache_data.clear()
    assert "|Desatualizado|" in text(page := app("overview", tmp_path))
    assert "mudanças de boletos ainda não entraram nos números" in text(page)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_shows_a_protected_text_or_an_error(app, name: str) -> None:
    page = app(name)
    assert not page.exception
    assert lake.SECRET not in text(page)
    assert "Plataforma parada" in text(page), "the line of freshness"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_in_english(app, name: str) -> None:
    page = app(name, language="en")
    assert not page.exception
    assert page.title[0].value in ("Overview", "Condominium", "Transactions", "Quality", "Platform")
    assert "Platform stopped" in text(page)
    assert not re.search(r"[ãõçé]", re.sub(r"Solar.*|Pequeno.*", "", text(page)))


def test_the_language_is_switched_on_the_page(app) -> None:
    page = app("overview")
    assert page.title[0].value == "Visão geral"
    page.button_group(key="lang").set_value("en").run()
    assert page.title[0].value == "Overview"
    assert figures(page)["Received in bills"] == ("R$30,900.75", "39 bills paid")


@pytest.mark.parametrize("name", PAGES[:4])
def test_an_empty_lake_says_so(app, name: str, tmp_path: Path) -> None:
    page = app(name, tmp_path)
    assert not page.exception
    assert "O lago ainda está vazio." in text(page)
    assert figures(page) == {}


@pytest.mark.parametrize("name", PAGES[:4])
def test_a_lake_out_of_reach_says_where_it_was_looked_for(app, name: str, tmp_path: Path) -> None:
    page = app(name, tmp_path / "nowhere")
    assert not page.exception
    assert f"O lago não pode ser lido em {tmp_path / 'nowhere'}." in text(page)


def test_the_platform_is_shown_without_a_lake(app, tmp_path: Path) -> None:
    page = app("platform", tmp_path / "nowhere")
    assert not page.exception
    assert figures(page)["Serviços no ar"][0] == "0"


def test_a_lake_that_is_being_built_says_so(app, tmp_path: Path) -> None:
    small_lake.land(LakePaths(tmp_path), "boletos", range(3))
    assert "O lago está sendo construído" in text(app("overview", tmp_path))


def test_a_business_table_that_is_missing_is_named(app, tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    shutil.rmtree(paths.refined("inadimplencia"))
    page = app("overview", tmp_path)
    assert not page.exception
    assert "Ainda não calculado: refined.inadimplencia" in text(page)


def test_a_table_whose_files_went_away_is_said_and_not_raised(app, tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    for file in paths.refined("panorama_por_condominio").glob("*.parquet"):
        file.unlink()
    page = app("overview", tmp_path)
    assert not page.exception
    assert "O lago mudou enquanto era lido" in text(page)


@pytest.mark.parametrize("name", ["overview", "transactions"])
def test_a_table_that_is_damaged_is_said_and_not_raised(app, name: str, tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    for table in ("panorama_por_condominio", "transacoes_diarias_por_tipo"):
        (newest,) = (paths.refined(table) / "_delta_log").glob("*.json")
        newest.write_text("", encoding="utf-8")
    page = app(name, tmp_path)
    assert not page.exception
    assert "O lago mudou enquanto era lido" in text(page)


def test_new_figures_are_shown_when_the_lake_moves_on(app, tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    page = app("overview", tmp_path)
    more = [*lake.CONDOMINIUMS, (6, "Novo", 0, 0, "0.00", 0, "0.00", None)]
    lake.write(paths.refined("panorama_por_condominio"), lake.OUTLINE, more, inputs={"boletos": 7})
    streamlit.cache_data.clear()  # in place of waiting for the shared look to end
    page.run()
    assert figures(page)["Condomínios"][0] == "6"


def test_a_wrong_setting_is_told(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_TRIGER_SECONDS", "5")
    page = app("overview")
    assert not page.exception
    assert "A configuração está errada." in text(page)
    assert "LAKEHOUSE_TRIGER_SECONDS" in text(page)


def test_a_catalog_that_was_edited_into_nonsense_is_told(app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = app("platform")
    wrong = tmp_path / "lakehouse.toml"
    wrong.write_text("[tables.boletos]\nkey = 5\n", encoding="utf-8")
    monkeypatch.setenv("LAKEHOUSE_CATALOG", str(wrong))
    page.run()
    assert not page.exception
    assert "A configuração está errada." in text(page)
    assert "tables.boletos.key: a primary key is needed" in text(page)
