"""Compares what is installed with what the project pins: the parts were tried together in these versions only."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import lakehouse_assets

DISTRIBUTION = "lakehouse-assets"


def requirements() -> list[Requirement]:
    """What the project asks for: pyproject.toml beside the package, else the installed package's own word."""
    project = Path(lakehouse_assets.__file__).parents[1] / "pyproject.toml"
    if project.exists():
        listed = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        listed = metadata.requires(DISTRIBUTION) or []
    parsed = [Requirement(line) for line in listed]
    return [requirement for requirement in parsed if requirement.marker is None or requirement.marker.evaluate()]


def version_problems() -> list[str]:
    """Each package that is missing or of another version than pinned; empty when all fit."""
    problems = []
    for requirement in requirements():
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            problems.append(f"{requirement.name} is not installed; {requirement.specifier} is needed")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            problems.append(f"{requirement.name} is {found}; {requirement.specifier} is needed")
    return problems
