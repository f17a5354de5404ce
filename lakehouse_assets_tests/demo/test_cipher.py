"""A note is encrypted as VALUES says the source does, so that whoever has the key can read it and nobody else."""

from __future__ import annotations

import base64
import itertools
from random import Random

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse_assets.demo import Key
from lakehouse_assets.demo.cipher import encrypt, note
from lakehouse_assets.demo.seed import tables
from lakehouse_assets.errors import ConfigurationError

CIPHER = Key("2026-01", bytes(range(32)))


def decrypt(key: bytes, text: str) -> str:
    sealed = base64.b64decode(text.split(":", 1)[1], validate=True)
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], None).decode()


def test_a_text_comes_back_with_its_key_and_with_no_other() -> None:
    sealed = encrypt(CIPHER, "Síndico autorizou.", b"salt")
    assert sealed.startswith("2026-01:")
    assert decrypt(CIPHER.key, sealed) == "Síndico autorizou."
    with pytest.raises(InvalidTag):
        decrypt(bytes(32), sealed)


def test_the_layout_is_nonce_then_cipher_then_tag() -> None:
    sealed = base64.b64decode(encrypt(CIPHER, "a" * 10, b"salt").split(":")[1])
    assert len(sealed) == 12 + 10 + 16


def test_the_same_salt_gives_the_same_text_but_never_one_nonce_to_two_texts() -> None:
    assert encrypt(CIPHER, "a", b"salt") == encrypt(CIPHER, "a", b"salt")
    nonces = {base64.b64decode(encrypt(CIPHER, text, b"salt").split(":")[1])[:12] for text in "abcdef"}
    assert len(nonces) == 6


def test_a_random_source_moves_on_by_the_same_with_a_key_and_without() -> None:
    with_key, without = Random(1), Random(1)
    assert note(with_key, CIPHER, "a") is not None
    assert note(without, None, "a") is None
    assert with_key.random() == without.random()


def test_every_seeded_note_can_be_read_and_no_two_share_a_nonce() -> None:
    sealed = [row[-1] for row in tables(1, CIPHER)["boletos"] if row[-1] is not None]
    assert all("(" in decrypt(CIPHER.key, str(text)) for text in sealed)
    nonces = [base64.b64decode(str(text).split(":")[1])[:12] for text in sealed]
    assert not any(one == other for one, other in itertools.pairwise(sorted(nonces)))


@pytest.mark.parametrize(
    ("kid", "key", "problems"),
    [("k", bytes(16), 1), ("k", b"", 1), ("", bytes(32), 1), ("a:b", bytes(32), 1), ("", bytes(31), 2)],
)
def test_a_key_that_is_none_is_refused_without_showing_it(kid: str, key: bytes, problems: int) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Key(kid, key)
    assert len(raised.value.problems) == problems


def test_a_key_is_not_shown() -> None:
    assert "key" not in repr(Key("k1", b"s3cret" + bytes(26))).replace("kid", "")
