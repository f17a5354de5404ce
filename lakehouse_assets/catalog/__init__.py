"""What exists and where: the tables of `lakehouse.toml`, their types, topics and paths."""

from lakehouse_assets.catalog.load import load_catalog
from lakehouse_assets.catalog.model import Catalog, Column, Table
from lakehouse_assets.catalog.types import UNAVAILABLE, Kind, PostgresType, parse_type

__all__ = ["UNAVAILABLE", "Catalog", "Column", "Kind", "PostgresType", "Table", "load_catalog", "parse_type"]
