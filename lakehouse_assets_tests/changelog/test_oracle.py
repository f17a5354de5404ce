"""The oracle against the model of the source: what the oracle folds is what is committed."""

from __future__ import annotations

from hypothesis import given, note, settings

from lakehouse_assets_tests.changelog.histories import Script, Source, scripts
from lakehouse_assets_tests.changelog.oracle import fold


@settings(max_examples=300, deadline=None, derandomize=True)
@given(scripts())
def test_a_history_folds_to_the_committed_rows(script: Script) -> None:
    source = Source().run(script)
    folded, committed = {k[0]: row for k, (row, _) in fold(source.topic).state().items()}, source.committed
    note(f"{source.topic}")
    assert folded == committed
