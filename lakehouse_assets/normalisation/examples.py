"""The examples of docs/normalisation.md: what they are read as is computed when the page is written, never typed."""

from __future__ import annotations

Example = tuple[str, dict[str, object]]

_Options = dict[str, object]
_DATE: _Options = {"rule": "date"}
_TIMESTAMP: _Options = {"rule": "timestamp"}
_AMOUNT: _Options = {"rule": "amount"}
_DMY: _Options = _DATE | {"order": "dmy"}
_MONTH: _Options = _DATE | {"format": ["month"]}

DATES: tuple[Example, ...] = (
    *((text, _DATE) for text in (
        "", "n/a", "0000-00-00", "31/12/9999", "infinity", "a definir", "31|01|2024", "31/02/2024", "29/02/2023", "31/01/2024 25:00",
        "segunda-feira, 31 de janeiro de 2024", "01/2024", "jan/24", "2024", "20240131", "45322", "2024-01-31", "2024.1.31",
        "31/01/2024", "05/05/2024", "01/02/2024", "12/13/2024", "31/01/24", "31-12-99", "1º de março de 2024", "31/jan/2024",
        "quarta-feira, 31 de jan. de 2024", "31/01/2024 às 14h30", "2024-02-01T01:30:00Z", "2024-01-31T00:00:00Z",
        "31/12/1599", "0044-03-15 BC",
    )),
    *((text, _DMY) for text in ("01/02/2024", "01/31/2024", "2024-02-01", "31-12-99")),
    ("01/02/2024", _DATE | {"order": "mdy"}), ("24-01-31", _DATE | {"order": "ymd"}),
    ("02/01/24", _DATE | {"century": "birth", "anchor": "2024-01-01"}),
    ("a definir", _DATE | {"null_words": ["a definir"]}), ("31/12/2099", _DATE | {"sentinels": ["2099-12-31"]}),
    ("31012024", _DATE | {"format": ["ddMMyyyy"]}), ("31/01/2024", _DATE | {"format": ["ddMMyyyy"]}),
    ("310124", _DATE | {"format": ["ddMMyy"]}), ("00000000", _DATE | {"format": ["ddMMyyyy"]}),
    ("1706702400", _DATE | {"format": ["epoch_s"]}), ("1706659200", _DATE | {"format": ["epoch_s"]}),
    ("45322", _DATE | {"format": ["excel"]}), ("45322", _DATE | {"format": ["excel", "epoch_days"]}),
    ("01/2024", _MONTH), ("jan/24", _MONTH), ("01/24", _MONTH),
    *((text, _TIMESTAMP) for text in (
        "2024-01-31T10:00:00-03:00", "31/01/2024 14:30", "31/01/2024", "2018-11-04 00:30:00", "2024-01-31T10:00:00.1234567Z",
    )),
)  # fmt: skip

AMOUNTS: tuple[Example, ...] = (
    *((text, _AMOUNT) for text in (
        "", "-", "NaN", "dez reais", "10%", "R$ 10,00 R$", "R$ -", "10,00+", "1.23.4", "12,34,56", "(-5)", "-10,00 D", "10,00 D",
        "2M", "1e3", "1,234", "1.234,567", "10000000000000000", "1,5 mil", "R$ 3 milhões", "RS 10,00", "10 reais", "1.234", "1.23",
        ",50", "1234", "1.234,56", "1,234.56", "1'234.56", "R$ 1.234,56", "(1.234,56)", "10,00-", "1234,5", "1.234.567", "1 234",
        "US$ 10",
    )),
    *((text, _AMOUNT | {"decimal": "comma"}) for text in ("1.234", "1,23", "1.23", ",50")),
    ("1,234", _AMOUNT | {"decimal": "dot"}),
    ("0000000123456", _AMOUNT | {"implied_decimals": 2}), ("1,50", _AMOUNT | {"implied_decimals": 2}),
    ("10,00 D", _AMOUNT | {"debit_marks": ["D"]}), ("1e3", _AMOUNT | {"scientific": True}),
    ("US$ 1,234.56", _AMOUNT | {"currency": "USD", "currency_marks": ["US$"]}),
    ("1,2345", _AMOUNT | {"type": "decimal(18,4)"}),
)  # fmt: skip
