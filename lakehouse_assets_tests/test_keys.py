"""Keys come from the environment or a file of their owner alone; a mistake is told with its place, and never with a key."""

from __future__ import annotations

import base64
import os
import stat
import traceback
from pathlib import Path

import pytest

from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.keys import FILE_NAME, NO_KEYS, Key, Keys, add_key, ensure_keys, keys_file, load_keys
from lakehouse_assets.settings import Settings, load_settings

OLD, NEW = b"o" * 32, bytes(range(200, 232))


def entry(kid: str, key: bytes) -> str:
    return f"{kid}={base64.b64encode(key).decode()}"


def settings(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"LAKEHOUSE_HOME": str(tmp_path), **environ})


def in_file(tmp_path: Path, text: str | bytes, mode: int = 0o600) -> Settings:
    file = tmp_path / FILE_NAME
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return settings(tmp_path)


def told(found: Settings) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        load_keys(found)
    return raised.value


def test_without_keys_there_are_none(tmp_path: Path) -> None:
    assert load_keys(settings(tmp_path)) == NO_KEYS == Keys(())
    assert NO_KEYS.active is None


def test_keys_are_read_in_order_and_the_last_one_is_active(tmp_path: Path) -> None:
    keys = load_keys(in_file(tmp_path, f"# of 2026\n\n  {entry('k1', OLD)}  \r\n{entry('k2', NEW)}\n"))
    assert keys.live == (Key("k1", OLD), Key("k2", NEW))
    assert keys.active == Key("k2", NEW)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    in_file(tmp_path, entry("k1", OLD))
    keys = load_keys(settings(tmp_path, LAKEHOUSE_KEYS=f"{entry('a', OLD)}, {entry('b', NEW)}"))
    assert keys.live == (Key("a", OLD), Key("b", NEW))


def test_the_file_may_be_elsewhere(tmp_path: Path) -> None:
    assert keys_file(settings(tmp_path)) == tmp_path / FILE_NAME
    elsewhere = tmp_path / "elsewhere" / "secret"
    found = settings(tmp_path, LAKEHOUSE_KEYS_FILE=str(elsewhere))
    assert keys_file(found) == elsewhere
    assert load_keys(found) == NO_KEYS
    key = add_key(found, "k1")
    assert load_keys(found) == Keys((key,))
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o601, 0o777])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    error = told(in_file(tmp_path, entry("k1", OLD), mode))
    assert error.problems == [f"others may read it (mode {mode:04o})"]
    assert error.next_step == f"chmod 600 {tmp_path / FILE_NAME}"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_the_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert load_keys(in_file(tmp_path, entry("k1", OLD), mode)).live == (Key("k1", OLD),)


HIDDEN = base64.b64encode(NEW).decode()
# A text that is wrong, and the words of its problems.
WRONG = [
    (f"k1={HIDDEN}!", ["entry 1: not `kid=base64`"]),
    (f"k1={HIDDEN[:-2]}", ["entry 1: not `kid=base64`"]),
    (f"k1={HIDDEN}é", ["entry 1: not `kid=base64`"]),
    (f"k1 {HIDDEN[:-1]}", ["entry 1: the kid must be", "entry 1: the key has 0 bytes"]),
    (HIDDEN, ["entry 1: the kid must be", "entry 1: the key has 0 bytes"]),
    (f"={HIDDEN}", ["entry 1: the kid must be"]),
    (f"k 1={HIDDEN}", ["entry 1: the kid must be"]),
    (f"{'k' * 33}={HIDDEN}", ["entry 1: the kid must be"]),
    (f"k:1={HIDDEN}", ["entry 1: the kid must be"]),
    (entry("k1", NEW[:-1]), ["entry 1: the key has 31 bytes; it must have 32"]),
    (entry("k1", NEW + b"x"), ["entry 1: the key has 33 bytes; it must have 32"]),
    ("k1=", ["entry 1: the key has 0 bytes; it must have 32"]),
    (f"{entry('k1', NEW)}\n{entry('k1', OLD)}", ["entry 2: kid k1 comes twice"]),
    (f"{entry('k1', NEW)}\nk2=\n{entry('k1', OLD)}\n?", ["entry 2: the key has 0 bytes", "entry 3: kid k1 comes twice", "entry 4: the kid must be", "entry 4: the key has 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[", ".join(expected) for _, expected in WRONG])
def test_every_mistake_is_told_with_its_place_and_without_the_key(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    for found in (in_file(tmp_path, text), settings(tmp_path, LAKEHOUSE_KEYS=text.replace("\n", ","))):
        error = told(found)
        assert len(error.problems) == len(expected)
        assert all(problem.startswith(words) for problem, words in zip(error.problems, expected, strict=True))
        hidden_from(NEW, "".join(traceback.format_exception(error)), error.text(), str(error), repr(error))


def test_a_file_that_is_no_text_is_told_as_such(tmp_path: Path) -> None:
    error = told(in_file(tmp_path, b"k1=" + NEW))
    assert error.problems == ["not UTF-8 text"]
    hidden_from(NEW, "".join(traceback.format_exception(error)))


def hidden_from(key: bytes, *shown: str) -> None:
    """No part of a key is shown, in whatever way bytes are written."""
    ways = (base64.b64encode(key).decode()[:12], key.hex()[:12], repr(key)[2:18], str(list(key))[1:20])
    for text in shown:
        for way in ways:
            assert way not in text


def test_neither_keys_nor_settings_show_a_key(tmp_path: Path) -> None:
    found = settings(tmp_path, LAKEHOUSE_KEYS=entry("k1", NEW))
    keys = load_keys(found)
    assert keys.live[0].key == NEW
    assert str(keys.live) == "(Key(kid='k1'),)"
    shown = (
        repr(keys),
        f"{keys}",
        repr(keys.active),
        repr(found),
        f"{found}",
        str(found.model_dump()),
        found.model_dump_json(),
    )
    hidden_from(NEW, *shown)


def test_a_wrong_key_is_not_shown_by_its_class(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Key("k 1", NEW[:-1])
    assert len(raised.value.problems) == 2
    hidden_from(NEW, raised.value.text(), repr(raised.value))


def test_a_wrong_setting_beside_the_keys_does_not_show_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings(tmp_path, LAKEHOUSE_KEYS=entry("k1", NEW), LAKEHOUSE_PORT_BASE="x", LAKEHOUSE_KEY=entry("k1", NEW))
    hidden_from(NEW, "".join(traceback.format_exception(raised.value)), raised.value.text())


def test_a_new_key_is_active_and_the_others_stay_live(tmp_path: Path) -> None:
    found = settings(tmp_path)
    first, second = add_key(found, "k1"), add_key(found, "k2")
    assert load_keys(found).live == (first, second)
    assert load_keys(found).active == second
    assert (len(first.key), first.key == second.key) == (32, False)


def test_the_file_is_made_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    before = os.umask(0)
    try:
        for kid in ("k1", "k2"):
            add_key(settings(home), kid)
            assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert [path.name for path in home.iterdir()] == [FILE_NAME]


def test_a_kid_that_is_there_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    found = in_file(tmp_path, entry("k1", NEW))
    with pytest.raises(LakehouseError, match="there is a key k1 already") as raised:
        add_key(found, "k1")
    assert load_keys(found).live == (Key("k1", NEW),)
    hidden_from(NEW, raised.value.text())


def test_a_wrong_kid_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the kid must be"):
        add_key(settings(tmp_path), "k:1")
    assert not (tmp_path / FILE_NAME).exists()


def test_keys_of_the_environment_are_not_added_to(tmp_path: Path) -> None:
    found = settings(tmp_path, LAKEHOUSE_KEYS=entry("k1", NEW))
    with pytest.raises(LakehouseError, match="the keys come from the environment") as raised:
        add_key(found, "k2")
    assert not (tmp_path / FILE_NAME).exists()
    hidden_from(NEW, raised.value.text())
    assert ensure_keys(found) == load_keys(found)


def test_the_first_key_is_made_once(tmp_path: Path) -> None:
    found = settings(tmp_path)
    made = ensure_keys(found)
    assert [key.kid for key in made.live] == ["k1"]
    assert ensure_keys(found) == made == load_keys(found)
