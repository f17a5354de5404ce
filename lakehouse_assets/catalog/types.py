"""Postgres column types as the catalog writes them, and the Spark type each one becomes."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

MAX_DECIMAL_PRECISION = 38
UNCONSTRAINED_NUMERIC = (38, 18)  # VALUES: numeric without precision
UNAVAILABLE = "__debezium_unavailable_value"  # a text that an update left where it is, out of line


class Kind(StrEnum):
    """How a value of the type is encoded by Debezium, and so how it is read."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TZ = "timestamptz"
    TEXT = "text"
    # Texts in the lake that messages write in a form of their own:
    BYTES = "bytes"  # hexadecimal digits
    BITS = "bits"  # base64 of bytes, the last bits first; a truth value where there is only one
    INTERVAL = "interval"  # ISO 8601 with each of its parts
    TIME_TZ = "timetz"  # in UTC
    ARRAY = "array"  # a JSON array of its elements
    STRUCT = "struct"  # a JSON object, where the server prints something else
    OTHER = "other"  # hexadecimal digits of the text that the server prints: the connector knows nothing of the type


FORMS = (Kind.BYTES, Kind.BITS, Kind.INTERVAL, Kind.TIME_TZ, Kind.ARRAY, Kind.STRUCT, Kind.OTHER)


@dataclass(frozen=True)
class PostgresType:
    """A parsed type: its text in the catalog, its kind, its Spark SQL type and, for a time, its fraction digits."""

    text: str
    kind: Kind
    spark: str
    fraction_digits: int = 6

    @property
    def decimal(self) -> tuple[int, int]:
        """Precision and scale; only for decimals."""
        precision, scale = re.findall(r"\d+", self.spark)
        return int(precision), int(scale)

    @property
    def size(self) -> int:
        """The number in parentheses; only for types that have one."""
        return int(re.findall(r"\d+", self.text)[0])

    @property
    def units(self) -> str | None:
        """What messages count a time without a zone in, by Debezium's name of it; None for other types."""
        if self.kind not in (Kind.TIME, Kind.TIMESTAMP):
            return None
        return "Timestamp" if self.fraction_digits <= 3 else "MicroTimestamp"

    @property
    def toastable(self) -> bool:
        """Whether Postgres may store it out of line, so that an update may not carry it."""
        return self.kind in (Kind.TEXT, Kind.BYTES, Kind.ARRAY, Kind.OTHER) or self.text in ("numeric", "hstore")

    @property
    def is_text(self) -> bool:
        """Whether the lake holds it as a text, of any length."""
        return self.kind is Kind.TEXT or self.kind in FORMS

    @property
    def element(self) -> str:
        """The type of an array's elements."""
        return self.text.removesuffix("[]")

    @property
    def unavailable(self) -> str:
        """What messages hold in place of a value that an update left where it is. Measured with Debezium 3.7.0."""
        if self.text == "hstore":
            return json.dumps({UNAVAILABLE: UNAVAILABLE}, separators=(",", ":"))
        if self.kind is not Kind.ARRAY:
            return UNAVAILABLE
        return json.dumps(_UNAVAILABLE_ARRAYS.get(self.element, [UNAVAILABLE]), separators=(",", ":"))


_CODE_POINTS = [ord(letter) for letter in UNAVAILABLE]
_UNAVAILABLE_ARRAYS = {
    "integer": _CODE_POINTS,
    "bigint": _CODE_POINTS,
    "uuid": [str(uuid.UUID(bytes=hashlib.md5(UNAVAILABLE.encode(), usedforsecurity=False).digest(), version=3))],
}


ENUM = "enum"  # what the source's enumerations are called: they have no type of their own in a catalog
OTHER = "other"  # how a catalog declares a column whose type neither it nor the connector knows


def declared(source_type: str) -> str:
    """How a catalog declares a column of the source's type; the type itself where the lake cannot hold it."""
    if source_type == ENUM:
        return "text"
    if not isinstance(parse_type(source_type), str) or source_type.endswith("[]"):
        return source_type
    return source_type if _name(source_type) in (*_PLAIN, *_TIMES, *_ALIASES, *_SIZED, *_REFUSED) else OTHER


class Fit(StrEnum):
    """How the values of a column of another type fit a column that is read as one type."""

    HOLDS = "holds"  # every value fits, and messages write it the same
    GROWS = "grows"  # they do once the column is read as the other type, and the values it has stay what they are
    REWRITES = "rewrites"  # texts before and after; what is stored may have become another text
    OTHER = "other"  # the column's messages cannot be read as its type any more


def fit(read_as: PostgresType, other: PostgresType) -> Fit:
    """How values of the type `other` fit a column read as `read_as`."""
    if read_as.text == other.text:
        return Fit.HOLDS
    if read_as.kind is not other.kind or read_as.kind in (Kind.FLOAT, Kind.BOOLEAN, Kind.DATE, *FORMS):
        return Fit.OTHER
    if read_as.kind is Kind.TEXT:
        return Fit.GROWS if _family(read_as) in _SAME_TEXT and _family(other) in _FREE_TEXT else Fit.REWRITES
    if read_as.units != other.units:
        return Fit.OTHER
    if all(mine >= theirs for mine, theirs in zip(_size(read_as), _size(other), strict=True)):
        return Fit.HOLDS
    grows = all(mine <= theirs for mine, theirs in zip(_size(read_as), _size(other), strict=True))
    return Fit.GROWS if grows else Fit.OTHER


# Types whose text stays what it is when the column becomes one of free text.
_FREE_TEXT = ("text", "varchar", "citext")
_SAME_TEXT = (*_FREE_TEXT, "uuid", "json")
_INTEGERS = ("smallint", "integer", "bigint")


def _family(kind: PostgresType) -> str:
    return kind.text.split("(")[0]


def _size(kind: PostgresType) -> tuple[int, int]:
    """What a number or time can hold: digits before its point (any measure that grows with them), and after it."""
    if kind.kind is Kind.INTEGER:
        return _INTEGERS.index(kind.text), 0
    if kind.kind is Kind.DECIMAL:
        precision, scale = kind.decimal
        return precision - scale, scale
    return 0, kind.fraction_digits


# Types that have no twin in the lake: the text that the server prints.
_PRINTED = (
    "inet", "cidr", "macaddr", "macaddr8", "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    "tsvector", "ltree", "name", "xml",
)  # fmt: skip
_PLAIN = {
    "smallint": (Kind.INTEGER, "smallint"),
    "integer": (Kind.INTEGER, "int"),
    "bigint": (Kind.INTEGER, "bigint"),
    "real": (Kind.FLOAT, "float"),
    "double precision": (Kind.FLOAT, "double"),
    "boolean": (Kind.BOOLEAN, "boolean"),
    "date": (Kind.DATE, "date"),
    "text": (Kind.TEXT, "string"),
    "varchar": (Kind.TEXT, "string"),
    "citext": (Kind.TEXT, "string"),
    "uuid": (Kind.TEXT, "string"),
    "json": (Kind.TEXT, "string"),
    "jsonb": (Kind.TEXT, "string"),
    **dict.fromkeys(_PRINTED, (Kind.TEXT, "string")),
    "oid": (Kind.INTEGER, "bigint"),
    "money": (Kind.DECIMAL, "decimal(19,2)"),
    "bytea": (Kind.BYTES, "string"),
    "interval": (Kind.INTERVAL, "string"),
    **dict.fromkeys(("hstore", "point", "line", "lseg", "box", "circle"), (Kind.STRUCT, "string")),
    OTHER: (Kind.OTHER, "string"),
}
_TIMES = {
    "time": (Kind.TIME, "string"),  # Delta has no time of day: the text that the server prints
    "timestamp": (Kind.TIMESTAMP, "timestamp_ntz"),
    "timestamptz": (Kind.TIMESTAMP_TZ, "timestamp"),
    "timetz": (Kind.TIME_TZ, "string"),
}
_SIZED = ("numeric", "varchar", "char", "bit")
_MOST_BITS = 64  # longer ones may be stored out of line
_ELEMENTS = ("text", "varchar", "integer", "bigint", "uuid", "json", "jsonb")  # of arrays
_REFUSED = ("polygon", "path", "geometry", "geography", "vector", "halfvec", "sparsevec", "bit varying", "varbit")
_ALIASES = {
    "int2": "smallint", "int4": "integer", "int": "integer", "int8": "bigint", "serial": "integer", "bigserial": "bigint",
    "float4": "real", "float8": "double precision", "bool": "boolean", "decimal": "numeric",
    "character varying": "varchar", "character": "char", "bpchar": "char",
    "time without time zone": "time", "time with time zone": "timetz", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
}  # fmt: skip

ACCEPTED = "smallint, integer, bigint, numeric[(p,s)], real, double precision, boolean, date, time[(n)], timestamp[(n)], timestamptz[(n)], text, varchar[(n)], char(n), citext, uuid, json, jsonb, inet, cidr, macaddr, macaddr8, int4range, int8range, numrange, daterange, tsrange, tstzrange, tsvector, ltree, name, xml, oid, money, bytea, interval, timetz[(n)], hstore, point, line, lseg, box, circle, bit(n) of at most 64, arrays of text, varchar, integer, bigint, uuid, json and jsonb (text[]), and other"


def parse_type(text: str) -> PostgresType | str:
    """The type, or the reason why it is none that the lake can hold."""
    if text.endswith("[]"):
        return _array(text)
    match = re.fullmatch(r"\s*([a-z0-9 ]+?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", text.lower())
    if not match:
        return f"type {text!r} cannot be read; accepted: {ACCEPTED}"
    name = _ALIASES.get(match[1], match[1])
    if name.startswith("interval"):  # whichever fields and digits it keeps
        return PostgresType("interval", Kind.INTERVAL, "string")
    if name in _REFUSED:
        return _untold(text)
    first, second = (int(match[2]) if match[2] else None), (int(match[3]) if match[3] else None)
    if name == "numeric":
        return _numeric(text, first, second)
    if second is not None:
        return f"type {text!r} is not supported; accepted: {ACCEPTED}"
    if name in _TIMES:
        return _time(name, first)
    if name == "bit":
        return _bits(text, first or 1)
    if name == "char":
        return PostgresType(f"char({first or 1})", Kind.TEXT, "string")
    if name == "varchar" and first is not None:
        return PostgresType(f"varchar({first})", Kind.TEXT, "string")
    if name not in _PLAIN or first is not None:
        return f"type {text!r} is not supported; accepted: {ACCEPTED}"
    kind, spark = _PLAIN[name]
    return PostgresType(name, kind, spark)


def _untold(text: str) -> str:
    return f"type {text!r} is not supported: its messages do not tell an unchanged long value from NULL"


def _array(text: str) -> PostgresType | str:
    element = parse_type(text.removesuffix("[]"))
    if isinstance(element, PostgresType) and _family(element) in _ELEMENTS:
        return PostgresType(f"{element.text}[]", Kind.ARRAY, "string")
    return _untold(text)


def _bits(text: str, size: int) -> PostgresType | str:
    if size > _MOST_BITS:
        return _untold(text)
    return PostgresType(f"bit({size})", Kind.BITS, "string")


def _name(text: str) -> str:
    """A type's name without its size."""
    return text.lower().split("(")[0].strip()


def _numeric(text: str, precision: int | None, scale: int | None) -> PostgresType | str:
    if precision is None:
        return PostgresType("numeric", Kind.DECIMAL, "decimal({},{})".format(*UNCONSTRAINED_NUMERIC))
    scale = scale or 0
    if not 1 <= precision <= MAX_DECIMAL_PRECISION or scale > precision:
        return f"type {text!r}: precision must be 1..{MAX_DECIMAL_PRECISION} and scale at most the precision"
    return PostgresType(f"numeric({precision},{scale})", Kind.DECIMAL, f"decimal({precision},{scale})")


def _time(name: str, digits: int | None) -> PostgresType | str:
    if digits is not None and digits > 6:
        return f"type '{name}({digits})': at most 6 fraction digits"
    text = name if digits is None else f"{name}({digits})"
    kind, spark = _TIMES[name]
    return PostgresType(text, kind, spark, 6 if digits is None else digits)
