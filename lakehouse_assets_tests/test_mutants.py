"""The mutants of `make mutants` can still be made: each breaks a text that is there, once."""

from __future__ import annotations

import pytest

from lakehouse_assets_tests.mutants import MUTANTS, PROJECT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_is_another_valid_program(mutant: Mutant) -> None:
    made = mutant.made_in(PROJECT)
    assert made != (PROJECT / "lakehouse_assets" / mutant.file).read_text(encoding="utf-8")
    compile(made, mutant.file, "exec")


def test_mutants_have_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
