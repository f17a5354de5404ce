"""The demo's source: seeded tables and the traffic of a company at work, so that there is something to prove."""

from lakehouse_assets.demo.report import TrafficReport
from lakehouse_assets.demo.seed import seed
from lakehouse_assets.demo.traffic import simulate
from lakehouse_assets.keys import Key

__all__ = ["Key", "TrafficReport", "seed", "simulate"]
