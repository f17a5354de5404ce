"""How the source application encrypts a note: AES-256-GCM, written `kid:base64(nonce || cipher || tag)`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse_assets.errors import ConfigurationError

KEY_BYTES, NONCE_BYTES = 32, 12
SALT_BYTES = 16


@dataclass(frozen=True)
class Cipher:
    """A key and its name; the key is not shown."""

    kid: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        problems = []
        if not self.kid or ":" in self.kid:
            problems.append(f"kid is {self.kid!r}; accepted: a name without `:`")
        if len(self.key) != KEY_BYTES:
            problems.append(f"the key has {len(self.key)} bytes; accepted: {KEY_BYTES}")
        if problems:
            raise ConfigurationError(problems, where="cipher")


def encrypt(cipher: Cipher, text: str, salt: bytes) -> str:
    """The text under the key. The same salt gives the same result, so that demo data can be made twice."""
    # The nonce also depends on the text: two texts never share one, though a seeded random source repeats its salts.
    nonce = hmac.digest(cipher.key, salt + text.encode(), hashlib.sha256)[:NONCE_BYTES]
    sealed = AESGCM(cipher.key).encrypt(nonce, text.encode(), None)
    return f"{cipher.kid}:{base64.b64encode(nonce + sealed).decode('ascii')}"


def note(random: Random, cipher: Cipher | None, text: str) -> str | None:
    """The encrypted text, None without a key; the random source moves on by the same either way."""
    salt = random.randbytes(SALT_BYTES)
    return None if cipher is None else encrypt(cipher, text, salt)
