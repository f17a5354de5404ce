"""Business tables in a real PostgreSQL: the lake's rows, replaced as a whole, and a check that fails when they are not."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from psycopg2.extensions import make_dsn, parse_dsn

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.defs import serving
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.settings import REFINED_FOLDER
from lakehouse_assets_tests.defs.running import run, verdicts
from lakehouse_assets_tests.real_postgres import new_source

CATALOG = load_catalog(Path(__file__).parents[2] / "lakehouse.toml")
TABLES = load_refined(REFINED_FOLDER, CATALOG)
NAME = "valor_total_por_morador"
ROWS = {
    "nome": pa.array(["Ação\t\\N\\", "", None, "a\nb\r", "ação"]),
    "valor": pa.array([Decimal("1.50"), Decimal("-99999999999.99"), None, Decimal("0.00"), Decimal("0.00")], pa.decimal128(15, 2)),
    "dia": pa.array([dt.date(2026, 1, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31), None, None]),
    "em": pa.array([dt.datetime(2026, 1, 31, 10, 0, 0, 5, dt.UTC), None, None, None, None], pa.timestamp("us", "UTC")),
    "n": pa.array([1, -(2**63), 2**63 - 1, None, None], pa.int64()),
    "taxa": pa.array([0.1, float("nan"), float("inf"), None, None]),
    "ativo": pa.array([True, False, None, None, None]),
}  # fmt: skip


@pytest.fixture
def dsn(postgres_admin_dsn: str) -> str:
    return new_source(postgres_admin_dsn).admin


@pytest.fixture
def paths(tmp_path: Path) -> LakePaths:
    return LakePaths(tmp_path)


def compute(paths: LakePaths, rows: dict[str, pa.Array] | None = None) -> None:
    """What Spark would have left of the business table."""
    write_deltalake(str(paths.refined(NAME)), pa.table(rows or ROWS), mode="overwrite", schema_mode="overwrite")


def published(paths: LakePaths, dsn: str) -> dict[str, bool]:
    """The verdicts of one run of the asset, which must succeed."""
    result = run(paths, serving.build(TABLES, dsn), f"serving/{NAME}")
    assert result.success
    return verdicts(result)


def served(dsn: str, columns: str = "*") -> list[tuple]:
    return postgres.execute(dsn, f"select {columns} from serving.{NAME} order by n, nome")


def test_every_value_arrives_as_it_is_and_with_its_type(paths: LakePaths, dsn: str) -> None:
    compute(paths)
    assert published(paths, dsn) == {"serving_equals_refined": True}
    assert served(dsn, "nome, valor, dia, n") == [
        ("", Decimal("-99999999999.99"), dt.date(1, 1, 1), -(2**63)),
        ("Ação\t\\N\\", Decimal("1.50"), dt.date(2026, 1, 31), 1),
        (None, None, dt.date(9999, 12, 31), 2**63 - 1),
        ("a\nb\r", Decimal("0.00"), None, None),
        ("ação", Decimal("0.00"), None, None),
    ]
    types = "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum"
    assert postgres.execute(dsn, types, [f"serving.{NAME}"]) == [
        ("nome", "text"), ("valor", "numeric(15,2)"), ("dia", "date"), ("em", "timestamp with time zone"),
        ("n", "bigint"), ("taxa", "double precision"), ("ativo", "boolean"),
    ]  # fmt: skip


def test_what_postgresql_has_no_type_for_arrives_as_text_and_is_equal(paths: LakePaths, dsn: str) -> None:
    rows = {
        "n": pa.array([1, 2, None], pa.int64()),
        "nome": pa.array(["a", None, "c"]),
        "lista": pa.array([["x", None, "y\t\\"], [], None]),
        "linha": pa.array([{"a": 1, "b": Decimal("1.50")}, {"a": None, "b": None}, None]),
        "mapa": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
        "foto": pa.array([b"\x00\xff\\", b"", None]),
        "taxa": pa.array([0.1, float("nan"), None], pa.float32()),
    }
    compute(paths, rows)
    assert published(paths, dsn) == {"serving_equals_refined": True}
    assert served(dsn, "lista, linha") == [
        ("['x', None, 'y\\t\\\\']", "{'a': 1, 'b': Decimal('1.50')}"), ("[]", "{'a': None, 'b': None}"), (None, None)
    ]  # fmt: skip
    assert serving.behind([NAME], paths, dsn) == []


def test_what_cannot_be_compared_stays_behind(paths: LakePaths, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise LakehouseError("does not answer")

    compute(paths)
    monkeypatch.setattr(postgres, "published", away)
    assert not run(paths, serving.build(TABLES, dsn), f"serving/{NAME}").success
    assert serving.behind([NAME], paths, dsn) == [serving.key(NAME)]


def test_the_next_version_replaces_the_rows_and_keeps_rights_and_views(paths: LakePaths, dsn: str) -> None:
    compute(paths)
    published(paths, dsn)
    postgres.execute(
        dsn, f"create view serving.nomes as select nome from serving.{NAME}; grant select on serving.{NAME} to public"
    )
    compute(paths, {name: column[:1] for name, column in ROWS.items()})
    assert published(paths, dsn) == {"serving_equals_refined": True}
    assert postgres.execute(dsn, "select * from serving.nomes") == [("Ação\t\\N\\",)]
    assert postgres.execute(dsn, f"select has_table_privilege('public', 'serving.{NAME}', 'select')") == [(True,)]


def test_a_table_of_other_columns_is_made_anew(paths: LakePaths, dsn: str) -> None:
    compute(paths)
    published(paths, dsn)
    compute(paths, {"n": ROWS["n"], "nome": ROWS["nome"]})
    assert published(paths, dsn) == {"serving_equals_refined": True}
    assert len(served(dsn)[0]) == 2


def test_who_reads_sees_the_old_rows_until_the_new_ones_are_there_and_stops_nobody(paths: LakePaths, dsn: str) -> None:
    compute(paths)
    published(paths, dsn)
    with closing(postgres.connect(dsn)) as reader, reader.cursor() as cursor:
        reader.set_session(isolation_level="REPEATABLE READ")
        cursor.execute(f"select count(*) from serving.{NAME}")
        assert cursor.fetchall() == [(5,)]
        compute(paths, {name: column[:2] for name, column in ROWS.items()})
        published(paths, dsn)
        cursor.execute(f"select count(*) from serving.{NAME}")
        assert cursor.fetchall() == [(5,)]
    assert len(served(dsn)) == 2


def test_two_publications_at_once_leave_one_of_them(dsn: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [
            threads.submit(postgres.publish, dsn, "x", {"n": "bigint"}, [(i,) for i in range(500)]) for _ in range(8)
        ]:
            done.result()
    assert postgres.execute(dsn, "select count(*), count(distinct n) from serving.x") == [(500, 500)]


@pytest.mark.parametrize(
    "harm", ["new.n := 7; return new", "if new.n = 1 then return null; end if; return new"], ids=["altered", "left out"]
)
def test_rows_that_are_not_those_of_the_lake_fail_the_check(paths: LakePaths, dsn: str, harm: str) -> None:
    compute(paths)
    published(paths, dsn)
    postgres.execute(dsn, f"create function harm() returns trigger language plpgsql as $$ begin {harm}; end $$")
    postgres.execute(dsn, f"create trigger harm before insert on serving.{NAME} for each row execute function harm()")
    assert published(paths, dsn) == {"serving_equals_refined": False}


def test_what_is_not_published_is_behind_until_it_is(paths: LakePaths, dsn: str) -> None:
    names = [table.name for table in TABLES]
    assert serving.behind(names, paths, dsn) == []  # nothing is computed yet
    compute(paths)
    assert serving.behind(names, paths, dsn) == [serving.key(NAME)]
    published(paths, dsn)
    assert serving.behind(names, paths, dsn) == []
    assert serving.behind(names, paths, dsn.replace("127.0.0.1", "localhost")) == [serving.key(NAME)]
    assert serving.behind(names, paths, None) == []
    compute(paths)
    assert serving.behind(names, paths, dsn) == [serving.key(NAME)]


def test_a_server_that_is_away_fails_the_step_and_it_stays_behind(paths: LakePaths) -> None:
    compute(paths)
    away = "postgresql://bi:secret@127.0.0.1:1/bi"
    result = run(paths, serving.build(TABLES, away), f"serving/{NAME}")
    (failed,) = result.get_step_failure_events()
    assert not result.success
    assert "does not answer" in str(failed.step_failure_data.error)
    assert "secret" not in str(failed.step_failure_data.error)
    assert serving.behind([NAME], paths, away) == [serving.key(NAME)]


def test_a_role_without_rights_is_told_what_the_server_says(paths: LakePaths, dsn: str) -> None:
    compute(paths)
    parts = parse_dsn(dsn)
    postgres.execute(dsn, f"create role bi login password 'x'; grant connect on database {parts['dbname']} to bi")
    result = run(paths, serving.build(TABLES, make_dsn(**parts | {"user": "bi", "password": "x"})), f"serving/{NAME}")
    (failed,) = result.get_step_failure_events()
    assert not result.success
    assert "permission denied for database" in str(failed.step_failure_data.error)


def test_without_a_dsn_there_is_nothing() -> None:
    assert serving.build(TABLES, None) == []
