"""A first look at the demo's lake, cell by cell, with DuckDB over the Delta tables.

    python docs/examples/first_look.py [LAKE]

Editors that know `# %%` (VS Code, PyCharm, Spyder) run one cell at a time. Nothing here needs a JVM, and nothing is written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import duckdb_extensions  # DuckDB's extensions as packages; with the internet, `INSTALL delta` does the same

duckdb_extensions.import_extension("delta")
duckdb.execute("LOAD delta")
lake = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LAKEHOUSE_LAKE", "datalake"))


def table(name: str) -> duckdb.DuckDBPyRelation:
    """A table of the lake as it is now: `layer/name`."""
    return duckdb.sql(f"SELECT * FROM delta_scan('{lake / name}')")


# %% Who owes, and for how long? The date is a column: the figures are as of the newest payment, not of today.
debts = table("refined/inadimplencia")
print("Open amounts by age")
debts.aggregate("data_base, faixa_atraso, count(*) AS pagadores, sum(valor_vencido) AS valor").order(
    "valor DESC"
).show()

# %% Who pays most?
print("The five residents who paid most")
paid = table("refined/valor_total_por_morador").join(table("transformed/moradores").set_alias("m"), "morador_id")
paid.select("nome, valor_total_transacoes").order("valor_total_transacoes DESC").limit(5).show()

# %% How was each amount read? `assumed` is a documented default, `invalid` a text that no rule reads.
print("Amounts of the bills by how they were read")
bills = table("transformed/boletos")
bills.aggregate("valor__status, count(*) AS boletos, max(valor__raw) AS exemplo").order("boletos DESC").show()

# %% What did a row look like, and which change made it so?
print("The newest change of a bill")
newest = bills.order("_position DESC").limit(1)
newest.select("boleto_id, valor__raw, valor, _op, _committed_at, _lsn").show()
