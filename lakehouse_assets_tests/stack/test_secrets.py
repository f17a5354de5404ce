"""Passwords are made once and read by nobody else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack import secrets


def test_passwords_are_made_once_and_differ(tmp_path: Path) -> None:
    made = secrets.ensure_secrets(tmp_path / "home")
    assert set(made) == set(secrets.GENERATED)
    assert len(set(made.values())) == len(made)
    assert min(len(password) for password in made.values()) >= 32
    assert secrets.ensure_secrets(tmp_path / "home") == made == secrets.read_secrets(tmp_path / "home")


def test_the_file_is_readable_by_its_owner_only_and_has_lines_of_name_password(tmp_path: Path) -> None:
    secrets.ensure_secrets(tmp_path)
    path = secrets.secrets_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(line.partition("=")[0].endswith("_PASSWORD") for line in path.read_text().splitlines())


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secrets.ensure_secrets(tmp_path)
    secrets.secrets_file(tmp_path).chmod(0o640)
    with pytest.raises(LakehouseError, match="chmod 600"):
        secrets.read_secrets(tmp_path)


def test_a_given_password_is_kept_whatever_its_signs(tmp_path: Path) -> None:
    given = {secrets.EXTERNAL_REPLICATION: "a\\b=c d"}
    made = secrets.ensure_secrets(tmp_path, given)
    assert made[secrets.EXTERNAL_REPLICATION] == "a\\b=c d"
    assert secrets.read_secrets(tmp_path) == made
    # Connect reads the same file as Java properties, where a backslash is an escape.
    assert "a\\\\b=c d" in secrets.secrets_file(tmp_path).read_text()


def test_an_interrupted_write_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.part").write_text("POSTGRES_ADMIN_PASSWORD=hal")
    assert set(secrets.ensure_secrets(tmp_path)) == set(secrets.GENERATED)
    assert not (tmp_path / "secrets.part").exists()
