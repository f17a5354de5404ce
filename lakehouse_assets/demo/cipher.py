"""How the source application encrypts a note: AES-256-GCM, written `kid:base64(nonce || cipher || tag)`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse_assets.keys import Key

NONCE_BYTES = 12
SALT_BYTES = 16


def encrypt(cipher: Key, text: str, salt: bytes) -> str:
    """The text under the key. The same salt gives the same result, so that demo data can be made twice."""
    # The nonce also depends on the text: two texts never share one, though a seeded random source repeats its salts.
    nonce = hmac.digest(cipher.key, salt + text.encode(), hashlib.sha256)[:NONCE_BYTES]
    sealed = AESGCM(cipher.key).encrypt(nonce, text.encode(), None)
    return f"{cipher.kid}:{base64.b64encode(nonce + sealed).decode('ascii')}"


def note(random: Random, cipher: Key | None, text: str) -> str | None:
    """The encrypted text, None without a key; the random source moves on by the same either way."""
    salt = random.randbytes(SALT_BYTES)
    return None if cipher is None else encrypt(cipher, text, salt)
