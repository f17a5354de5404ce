"""The demo's source: seeded tables and the traffic of a company at work, so that there is something to prove."""

from lakehouse_assets.demo.cipher import Cipher
from lakehouse_assets.demo.report import TrafficReport
from lakehouse_assets.demo.seed import seed
from lakehouse_assets.demo.traffic import simulate

__all__ = ["Cipher", "TrafficReport", "seed", "simulate"]
