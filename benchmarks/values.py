"""What the rules of values cost: CPU-seconds per million rows of 4 date and 4 amount columns of mixed forms.

Beside a plain scan, the coalesces of try_to_date and try_cast that pipelines usually have, and a Python UDF of the
tests' reference, by turns in one JVM.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil
import pyarrow
import pyarrow.parquet
from rich.console import Console
from rich.table import Table

from lakehouse_assets.catalog.rules import AmountRule, DateRule, Rule
from lakehouse_assets.engine.session import local_session, spark_config
from lakehouse_assets.engine.values import BY_OPERATOR
from lakehouse_assets.engine.values import settings as while_set
from lakehouse_assets.normalisation.dictionary import reading
from lakehouse_assets.normalisation.reading import read_all, result
from lakehouse_assets.settings import load_settings
from lakehouse_assets.stack.jars import ensure_jars, jar_paths
from lakehouse_assets.stack.java import require_java

RULES: dict[str, Rule] = {
    "d0": DateRule(), "d1": DateRule(order="dmy"), "d2": DateRule(), "d3": DateRule(instant=True),
    "v0": AmountRule(), "v1": AmountRule(decimal="comma"), "v2": AmountRule(), "v3": AmountRule(),
}  # fmt: skip
PYTHON_RULES = {
    "d0": {"rule": "date"}, "d1": {"rule": "date", "order": "dmy"}, "d2": {"rule": "date"}, "d3": {"rule": "timestamp"},
    "v0": {"rule": "amount"}, "v1": {"rule": "amount", "decimal": "comma"}, "v2": {"rule": "amount"}, "v3": {"rule": "amount"},
}  # fmt: skip
UDF = "a Python UDF of the reference"
UDF_PART = 10  # it reads a tenth of the rows: it takes a minute for all


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of eight texts.")
@click.option("--rounds", default=3, show_default=True, help="Measured rounds, after one that warms up.")
def main(rows: int, rounds: int) -> None:
    """Generate, read by turns, print."""
    settings = load_settings()
    ensure_jars(settings.cache, click.echo, require_java())
    with tempfile.TemporaryDirectory() as folder:
        spark = local_session(spark_config(jar_paths(settings.cache, "spark"), "2g", Path(folder)))
        texts = str(Path(folder) / "texts")
        _generate(spark, rows, texts)
        ways = {"plain scan": _scan, "try_ coalesces": _coalesces, "the rules": _rules, UDF: _udf}
        measured: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds + 1):
            for name, way in ways.items():
                click.echo(f"round {turn}: {name}", err=True)
                with while_set(spark, BY_OPERATOR if way is _rules else {}):  # as a fold sets it
                    cost = _cost(way(spark, texts)) * (UDF_PART if way is _udf else 1)
                if turn:
                    measured[name].append(cost / rows * 1e6)
        spark.stop()
    _print(measured, rows)


def _date(pick: random.Random) -> str | None:
    y, m, d = pick.randint(2015, 2026), pick.randint(1, 12), pick.randint(1, 28)
    month = ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez")[m - 1]
    forms = (
        f"{y}-{m:02}-{d:02}", f"{d:02}/{m:02}/{y}", f"{d:02}/{m:02}/{y}", f"{d:02}/{m:02}/{y} {pick.randint(0, 23):02}:30",
        f"{d:02}/{m:02}/{y % 100:02}", f"{y}-{m:02}-{d:02}T10:00:00-03:00", f"{d} de {month}. de {y}", f"{d:02}-{month.upper()}-{y}",
        "-", f" {d:02}/{m:02}/{y}\u00a0", None, "a combinar",
    )  # fmt: skip
    return pick.choice(forms)


def _amount(pick: random.Random) -> str | None:
    cents = pick.randint(0, 50_000_000)
    plain = f"{cents / 100:.2f}"
    brazilian = f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))
    forms = (
        plain, brazilian, f"R$ {brazilian}", plain.replace(".", ","), f"R$\u00a0{brazilian}", f"({brazilian})", f"-{brazilian}",
        str(cents), f"{cents % 1000},5 mil", "N/A", None, "1.23.4",
    )  # fmt: skip
    return pick.choice(forms)


def _generate(spark: Any, rows: int, path: str) -> None:
    pick, drawn = random.Random(1), min(rows, 20_000)
    sample = {name: [(_date if name[0] == "d" else _amount)(pick) for _ in range(drawn)] for name in RULES}
    pyarrow.parquet.write_table(pyarrow.table(sample), f"{path}.sample")
    spark.read.parquet(f"{path}.sample").createOrReplaceTempView("sample")
    times = -(-rows // drawn)
    spark.sql(f"SELECT sample.* FROM sample CROSS JOIN range({times}) LIMIT {rows}").coalesce(2).write.parquet(path)


def _scan(spark: Any, texts: str) -> Any:
    return spark.read.parquet(texts)


def _rules(spark: Any, texts: str) -> Any:
    computed = read_all(f"SELECT * FROM parquet.`{texts}`", {name: reading(rule) for name, rule in RULES.items()})
    columns = [f"{result(i, part)} AS {name}_{part}" for i, name in enumerate(RULES) for part in ("value", "status")]
    return spark.sql(f"SELECT {', '.join([*RULES, *columns])} FROM ({computed})")


def _coalesces(spark: Any, texts: str) -> Any:
    patterns = ("yyyy-MM-dd", "dd/MM/yyyy", "dd/MM/yyyy HH:mm", "dd/MM/yy", "dd-MM-yyyy")
    dates = {
        n: "coalesce(" + ", ".join(f"try_to_date(trim({n}), '{p}')" for p in patterns) + ")"
        for n in RULES
        if n[0] == "d"
    }
    bare = "regexp_replace({0}, '[R$ \\u00a0]', '')"
    number = f"coalesce(try_cast({bare} AS decimal(18,2)), try_cast(replace(replace({bare}, '.', ''), ',', '.') AS decimal(18,2)))"
    amounts = {n: number.format(n) for n in RULES if n[0] == "v"}
    columns = ", ".join(f"{e} AS {n}_value" for n, e in (dates | amounts).items())
    return spark.sql(f"SELECT {', '.join(RULES)}, {columns} FROM parquet.`{texts}`")


def _udf(spark: Any, texts: str) -> Any:
    from pyspark.sql.functions import udf

    from lakehouse_assets_tests.normalisation.reference import read

    def reader(rule: dict[str, Any]) -> Any:
        return udf(lambda text: tuple(read(text, rule))[:2], "struct<value: string, status: string>")

    part = spark.read.parquet(texts).where(f"rand(1) < 1.0 / {UDF_PART}")
    return part.select(*RULES, *(reader(rule)(name).alias(f"{name}_read") for name, rule in PYTHON_RULES.items()))


def _cost(frame: Any) -> float:
    """CPU-seconds of this process's children (the JVM and its Python workers) for one pass that keeps nothing."""
    before, since = _cpu(), time.monotonic()
    frame.write.format("noop").mode("overwrite").save()
    click.echo(f"  {time.monotonic() - since:.1f} s", err=True)
    return _cpu() - before


def _cpu() -> float:
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _print(measured: dict[str, list[float]], rows: int) -> None:
    shown = Table(
        "way",
        "CPU-s per million rows",
        "against the coalesces",
        title=f"{rows:,} rows of 4 dates and 4 amounts, median of rounds",
    )
    usual = median(measured["try_ coalesces"])
    for name, costs in measured.items():
        shown.add_row(name, f"{median(costs):.1f}", f"{median(costs) / usual:.2f}x")
    Console(width=100).print(shown)


if __name__ == "__main__":
    main()
