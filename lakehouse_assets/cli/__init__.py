"""The words a person types: `lakehouse --help`. One module a family; no logic of its own."""

from lakehouse_assets.cli.app import main

__all__ = ["main"]
