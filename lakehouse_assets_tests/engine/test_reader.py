"""The lake is read as it is, by SELECT alone, and nothing outside it is read or written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError

AMOUNTS = ["0.10", "-9999999999999.99", "1234.50"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a lake, its name unlucky, and beside it what is none of the lake's."""
    folder = tmp_path_factory.mktemp("place")
    paths = LakePaths(folder / "o'lago de dados")
    pagamentos = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "valor": pa.array([Decimal(text) for text in AMOUNTS], pa.decimal128(15, 2)),
            "dia": pa.array([date(2026, 1, 31), None, date(1, 1, 1)], pa.date32()),
            "instante": pa.array([datetime(2026, 1, 31, 2, 30, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "nota": pa.array(["São João 🏠", "", None]),
        }
    )
    write_deltalake(str(paths.transformed("pagamentos")), pagamentos)
    for name in ("total", "Total", "total.2024", "total-dia"):  # of which one is a table's
        write_deltalake(str(paths.refined(name)), pa.table({"n": pa.array([3])}))
    write_deltalake(
        str(paths.raw), pa.table({"table_name": ["pagamentos"], "position": [7]}), partition_by=["table_name"]
    )
    (paths.root / "transformed" / "unfinished").mkdir()
    (folder / "secret.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    write_deltalake(str(folder / "another"), pa.table({"n": pa.array([1])}))
    return folder


@pytest.fixture(scope="module")
def reader(place: Path) -> Iterator[LakeReader]:
    with open_lake(LakePaths(place / "o'lago de dados")) as reader:
        yield reader


def test_every_layers_tables_have_their_names(reader: LakeReader) -> None:
    assert reader.tables == ("raw", "transformed.pagamentos", "refined.total")
    assert reader.scalar("SELECT position FROM raw WHERE table_name = 'pagamentos'") == 7
    assert reader.scalar("SELECT n FROM refined.total") == 3


def test_values_come_exact_and_typed(reader: LakeReader) -> None:
    answer = reader.query("SELECT * FROM transformed.pagamentos ORDER BY id")
    assert answer.columns == ("id", "valor", "dia", "instante", "nota")
    assert answer.types == ("INTEGER", "DECIMAL(15,2)", "DATE", "TIMESTAMP WITH TIME ZONE", "VARCHAR")
    assert [row[:3] for row in answer.rows] == [
        (1, Decimal("0.10"), date(2026, 1, 31)),
        (2, Decimal("-9999999999999.99"), None),
        (3, Decimal("1234.50"), date(1, 1, 1)),
    ]
    assert [row[4] for row in answer.rows] == ["São João 🏠", "", None]
    assert answer.rows[0][3].astimezone(UTC) == datetime(2026, 1, 31, 2, 30, tzinfo=UTC)


def test_a_table_can_be_read_at_an_older_version_and_stays_there(tmp_path: Path) -> None:
    paths = LakePaths(tmp_path)
    for n in range(3):
        write_deltalake(str(paths.transformed("pagamentos")), pa.table({"n": pa.array([n])}), mode="append")
    with open_lake(paths, {"transformed.pagamentos": 1, "raw": -1}) as pinned, open_lake(paths) as newest:
        write_deltalake(str(paths.transformed("pagamentos")), pa.table({"n": pa.array([3])}), mode="append")
        assert pinned.scalar("SELECT count(*) FROM transformed.pagamentos") == 2
        assert newest.scalar("SELECT count(*) FROM transformed.pagamentos") == 4


def test_values_can_be_handed_over_beside_the_statement(reader: LakeReader) -> None:
    assert reader.query("SELECT id FROM transformed.pagamentos WHERE nota = ?", ["São João 🏠"]).rows == [(1,)]
    assert list(reader.rows("SELECT unnest(?)", [["a", "b"]])) == [("a",), ("b",)]


def test_sums_are_exact_decimals(reader: LakeReader) -> None:
    assert reader.scalar("SELECT sum(valor) FROM transformed.pagamentos") == Decimal("-9999999998765.39")


def test_days_of_instants_are_utc_whatever_the_machines_zone(reader: LakeReader) -> None:
    assert reader.scalar("SELECT max(CAST(instante AS DATE)) FROM transformed.pagamentos") == date(2026, 1, 31)
    assert reader.scalar("SELECT current_setting('TimeZone')") == "UTC"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "  -- why\nselect count(*) from transformed.pagamentos;",
        "WITH p AS (SELECT * FROM transformed.pagamentos) SELECT count(*) FROM p",
        "FROM refined.total",
        "SELECT 1 UNION ALL SELECT 2",
        "VALUES (1), (2)",
        "SELECT * FROM (SELECT valor FROM transformed.pagamentos) JOIN refined.total ON true",
    ],
)
def test_a_read_is_answered(reader: LakeReader, statement: str) -> None:
    assert reader.query(statement).rows


def test_rows_may_be_taken_a_few_at_a_time(reader: LakeReader) -> None:
    assert [row[0] for row in reader.rows("SELECT i FROM range(5000) AS r(i) ORDER BY i")] == list(range(5000))
    with pytest.raises(LakehouseError, match="only one SELECT"):
        list(reader.rows("DROP VIEW raw"))


def test_a_query_without_rows_has_columns_and_no_rows(reader: LakeReader) -> None:
    answer = reader.query("SELECT id FROM transformed.pagamentos WHERE false")
    assert (answer.columns, answer.rows) == (("id",), [])


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "   ;",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW raw",
        "INSERT INTO transformed.pagamentos VALUES (1)",
        "UPDATE transformed.pagamentos SET id = 1",
        "DELETE FROM transformed.pagamentos",
        "TRUNCATE transformed.pagamentos",
        "CREATE TABLE x AS SELECT 1",
        "CREATE OR REPLACE VIEW raw AS SELECT 1",
        "DROP VIEW raw",
        "ALTER VIEW raw RENAME TO y",
        "COPY (SELECT 1) TO '{lake}/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "EXPORT DATABASE '{lake}/x'",
        "ATTACH '{lake}/x.db' AS x",
        "DETACH memory",
        "USE refined",
        "PRAGMA enable_external_access = true",
        "SET enable_external_access = true",
        "SET TimeZone = 'America/Sao_Paulo'",
        "RESET lock_configuration",
        "LOAD delta",
        "INSTALL httpfs",
        "CALL pragma_version()",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "EXPLAIN SELECT 1",
    ],
)
def test_anything_but_one_read_is_refused_and_does_nothing(place: Path, reader: LakeReader, statement: str) -> None:
    before = sorted(place.rglob("*"))
    with pytest.raises(LakehouseError) as raised:
        reader.query(statement.format(lake=str(place / "o'lago de dados").replace("'", "''")))
    assert raised.value.exit_code == EXIT_USAGE
    assert raised.value.where == "query"
    assert "lakehouse query" in raised.value.next_step
    assert sorted(place.rglob("*")) == before
    assert reader.scalar("SELECT position FROM raw") == 7


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_csv('{place}/secret.csv')",
        "SELECT * FROM '{place}/secret.csv'",
        "SELECT * FROM read_csv('{place}/*.csv')",
        "SELECT * FROM read_text('{lake}/../secret.csv')",
        "SELECT * FROM delta_scan('{place}/another')",
        "SELECT * FROM delta_scan('file://{place}/another')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM sqlite_scan('{place}/x.db', 't')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM glob('{place}/*')",
        "SELECT * FROM sniff_csv('{place}/secret.csv')",
        "SELECT * FROM parquet_metadata('{place}/another/*.parquet')",
    ],
)
def test_nothing_outside_the_lake_is_read(place: Path, reader: LakeReader, statement: str) -> None:
    quoted = {"place": str(place), "lake": str(place / "o'lago de dados").replace("'", "''")}
    with pytest.raises(LakehouseError) as raised:
        reader.query(statement.format(**quoted))
    assert raised.value.exit_code == EXIT_USAGE
    assert "root:" not in raised.value.text()


def test_a_variable_of_the_program_is_no_table(reader: LakeReader) -> None:
    frame = pa.table({"x": [1]})
    with pytest.raises(LakehouseError, match="frame"):
        reader.query("SELECT * FROM frame")
    assert frame.num_rows == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM transformed.nada",
        "SELECT nada FROM transformed.pagamentos",
        "SELEC 1",
        "SELECT nada(1)",
        "SELECT FROM",
    ],
)
def test_an_error_names_the_tables_there_are(reader: LakeReader, statement: str) -> None:
    with pytest.raises(LakehouseError) as raised:
        reader.query(statement)
    assert raised.value.exit_code == EXIT_USAGE
    assert raised.value.next_step == "tables: raw, transformed.pagamentos, refined.total"
    assert "\n" not in raised.value.problem


def test_an_error_in_the_data_is_one_line(reader: LakeReader) -> None:
    with pytest.raises(LakehouseError) as raised:
        reader.query("SELECT CAST(nota AS INTEGER) FROM transformed.pagamentos")
    assert "\n" not in raised.value.problem


def test_a_lake_that_does_not_exist_yet_has_no_tables(tmp_path: Path) -> None:
    with open_lake(LakePaths(tmp_path / "nowhere")) as reader:
        assert reader.tables == ()
        with pytest.raises(LakehouseError) as raised:
            reader.query("SELECT * FROM raw")
    assert raised.value.next_step == "tables: none yet: the lake is empty"
