"""Proof that the lake equals the source: pure, so that it can be wrong in no driver's way."""

from lakehouse_assets.proof.compare import Difference, TableProof, compare

__all__ = ["Difference", "TableProof", "compare"]
