"""Every word of the command line at a real stack, and what bad input gets."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse_assets.stack.doctor import diagnose
from lakehouse_assets_tests.stack.waiting import eventually

pytestmark = pytest.mark.stack

SERVICES = {
    "postgres", "kafka", "connect", "engine", "dagster-code-server", "dagster-daemon", "dagster-webserver",
    "dashboard",
}  # fmt: skip


def files(lake: Path) -> set[tuple[str, int]]:
    """The files of a lake's tables; what the scheduled verification keeps beside them is none."""
    found = (path for path in lake.rglob("*") if path.is_file() and path.parent.name != "_proof")
    return {(str(path), path.stat().st_mtime_ns) for path in found}


def test_status_is_json_that_names_every_service_and_table(words):
    found = json.loads(words.run("status", "--json").stdout)
    assert {service["name"] for service in found["services"]} == SERVICES
    assert all(service["pid"] and service["state"] == "up" for service in found["services"])
    assert [table["name"] for table in found["tables"]] == list(words.stack.catalog.names)
    assert {"kafka_end", "raw_position", "applied_position", "lag_changes", "lag_seconds"} <= set(found["tables"][0])
    assert found["sensor"]["state"] == "running"
    assert "transacoes" in words.run("status").stdout


def test_up_on_a_running_stack_changes_nothing(words):
    before = {service: words.stack.pid(service) for service in SERVICES}
    words.run("up")
    assert {service: words.stack.pid(service) for service in SERVICES} == before


def test_doctor_finds_nothing_wrong_on_a_healthy_stack(words):
    """Its last tick may have failed while a service was away; the next is seconds later."""
    eventually(lambda: all(finding.ok for finding in diagnose(words.stack.settings, words.stack.catalog)), 60)
    findings = json.loads(words.run("doctor", "--json").stdout)
    assert [finding for finding in findings if not finding["ok"]] == []
    assert {"java", "disk", "jars", "connector", "sensor"} <= {finding["area"] for finding in findings}


def test_env_prints_settings_that_work_when_exported(words):
    lines = dict(line.split("=", 1) for line in words.run("env").stdout.splitlines())
    assert {"LAKEHOUSE_SOURCE_DSN", "LAKEHOUSE_KAFKA_BOOTSTRAP", "LAKEHOUSE_CONNECT_URL", "LAKEHOUSE_SPARK_REMOTE",
            "LAKEHOUSE_LAKE", "DAGSTER_HOME"} <= set(lines)  # fmt: skip
    found = json.loads(words.run("status", "--json", **lines).stdout)
    assert {service["state"] for service in found["services"]} == {"up"}


def test_seed_writes_nothing_to_tables_that_have_rows(words):
    assert set(words.run("seed").stdout.replace(",", " ").split()[1::2]) == {"0"}


def test_query_prints_every_form(words):
    statement = "SELECT 1 AS n, CAST(1.5 AS DECIMAL(9,2)) AS d, DATE '2026-01-31' AS day, NULL AS nothing"
    told = json.loads(words.run("query", statement, "--format", "json").stdout)
    assert told == [{"n": 1, "d": "1.50", "day": "2026-01-31", "nothing": None}]
    assert words.run("query", "SELECT 1 WHERE false", "--format", "json").stdout == "[]\n"
    text = words.run("query", statement, "--format", "csv").stdout
    assert list(csv.reader(io.StringIO(text))) == [["n", "d", "day", "nothing"], ["1", "1.50", "2026-01-31", ""]]
    assert "1.50" in words.run("query", statement).stdout


@pytest.mark.parametrize(
    "statement", ["DELETE FROM transformed.imoveis", "SELECT * FROM read_text('/etc/passwd')", "SELEC 1"]
)
def test_query_takes_one_read_of_the_lake_and_nothing_else(words, statement):
    """More of them in engine/test_reader."""
    before = files(words.stack.settings.lake)
    refused = words.run("query", statement, code=2)
    assert "error:" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert files(words.stack.settings.lake) == before


def test_connector_apply_on_a_connector_that_is_right_changes_nothing(words):
    assert "is as the catalog says" in words.run("connector", "apply").stdout
    assert "RUNNING" in words.run("connector", "status").stdout


def test_an_idle_stack_writes_nothing_to_the_lake(words):
    words.settle()
    before = files(words.stack.settings.lake)
    time.sleep(20)  # several triggers, sensor ticks and a heartbeat
    assert files(words.stack.settings.lake) == before


def test_run_materialises_now_and_prints_what_it_wraps(words):
    done = words.run("run", "refined/valor_total_por_morador")
    assert "dg launch --assets refined/valor_total_por_morador" in done.stderr


def test_dagsters_own_command_materialises_a_day_of_raw(words):
    day = datetime.now(UTC).date().isoformat()
    environment = {**os.environ, **words.stack.environment, "DAGSTER_HOME": str(words.stack.settings.dagster_home)}
    command = ["dagster", "asset", "materialize", "--select", "raw/transacoes", "--partition", day,
               "-m", "lakehouse_assets.definitions"]  # fmt: skip
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "offsets_contiguous" in done.stderr


def test_sync_that_cannot_be_reached_names_the_stage_and_why(words):
    words.source("update imoveis set tipo = 'sala comercial' where imovel_id = 2")
    late = words.run("sync", "--timeout", "0", code=1)
    assert "not in sync" in late.stderr
    assert "lags" in late.stderr


def test_demo_runs_the_main_job_on_a_running_stack_and_proves_it(words):
    done = words.run("demo", "--seconds", "3", "--rate", "20")
    assert done.stdout.count("equal") >= len(words.stack.catalog.names)
    assert "refined.valor_total_por_morador" in done.stdout


BUSINESS = """-- description: Residents of each condominium.
-- owner: cadastro
-- grain: condominio_id
SELECT condominio_id, count(*) AS moradores FROM transformed.moradores GROUP BY condominio_id
"""


def test_a_business_table_that_is_written_joins_the_running_stack_and_one_that_is_wrong_leaves_it_alone(words):
    file = Path(words.stack.environment["LAKEHOUSE_REFINED"]) / "moradores_por_condominio.sql"
    try:
        file.write_text(BUSINESS)
        assert "business table" in words.run("up").stderr
        words.run("sync")
        assert words.rows("SELECT count(*) > 0 AS filled FROM refined.moradores_por_condominio") == [{"filled": True}]
        before = words.stack.pid("dagster-code-server")
        file.write_text(BUSINESS.replace("moradores FROM", "morador FROM transformed.nenhuma JOIN"))
        assert "unknown table transformed.nenhuma" in words.run("up", code=2).stderr
        assert words.stack.pid("dagster-code-server") == before
    finally:
        file.unlink()
        words.run("up")
        shutil.rmtree(words.stack.settings.lake / "refined" / file.stem)


def test_the_example_in_the_documents_reads_this_lake(words):
    script = Path(__file__).parents[2] / "docs" / "examples" / "first_look.py"
    command = [sys.executable, str(script), str(words.stack.settings.lake)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for told in ("acima de 90 dias", "valor_total_transacoes", "assumed", "_committed_at"):
        assert told in done.stdout


def test_wrong_settings_and_catalog_keys_are_all_listed_at_once(words, tmp_path):
    told = words.run("status", code=2, LAKEHOUSE_TRIGER_SECONDS="5", LAKEHOUSE_PORT_BASE="many").stderr
    assert "LAKEHOUSE_TRIGER_SECONDS" in told
    assert "LAKEHOUSE_PORT_BASE" in told
    catalog = tmp_path / "wrong.toml"
    catalog.write_text('[lake]\nprefix = "x"\n[tables.t]\ncolumns = { a = "cash" }\n')
    told = words.run("up", code=2, LAKEHOUSE_CATALOG=str(catalog)).stderr
    assert all(word in told for word in ("prefix", "cash", "primary key"))


def test_an_unknown_word_and_help_teach(words):
    assert "No such command" in words.run("synch", code=2).stderr
    text = words.run("--help").stdout
    assert "lakehouse demo" in text
    assert "now:  everything is up; pages: http://" in words.run().stdout
