"""Proof that the lake equals the source: pure, so that it can be wrong in no driver's way."""

from lakehouse_assets.proof.buckets import Bounds, Sum, bucket_count
from lakehouse_assets.proof.comparable import Comparison, comparison
from lakehouse_assets.proof.compare import Difference, Key, Row, TableProof, compare
from lakehouse_assets.proof.prove import Side, prove
from lakehouse_assets.proof.visibility import Snapshot

__all__ = [
    "Bounds",
    "Comparison",
    "Difference",
    "Key",
    "Row",
    "Side",
    "Snapshot",
    "Sum",
    "TableProof",
    "bucket_count",
    "compare",
    "comparison",
    "prove",
]
