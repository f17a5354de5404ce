"""What a protected column holds in the lake (VALUES section 8), as Spark SQL.

Keys are never part of a statement: they are in the one row of a view, which a plan shows by its name only.
"""

from __future__ import annotations

import hashlib
from typing import Any

from lakehouse_assets.catalog import Column
from lakehouse_assets.catalog.model import Protect

KEYS_VIEW = "lakehouse_keys"
KEYS_SCHEMA = "_keys map<string, binary>, _kid string, _inner_pad binary, _outer_pad binary"
_BLOCK = hashlib.sha256().block_size


def keys_row(live: dict[str, bytes]) -> tuple[Any, ...]:
    """The view's row: every live key by name, the name of the last one, and its two blocks of HMAC-SHA-256."""
    if not live:
        return ({}, None, None, None)
    kid, key = list(live.items())[-1]
    block = key.ljust(_BLOCK, b"\0")
    return (live, kid, bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block))


def needs_keys(columns: tuple[Column, ...]) -> bool:
    """Whether a column is protected with a key."""
    return any(column.protect in (Protect.TOKEN, Protect.DECRYPT) for column in columns)


def hidden(column: Column, text: str) -> str:
    """The text of a masked or tokenised column as the lake holds it; NULL stays NULL."""
    if column.protect is Protect.MASK:
        shown = f"CASE WHEN length({text}) > {column.keep} THEN right({text}, {column.keep}) ELSE '' END"
        return f"CASE WHEN {text} IS NOT NULL THEN lpad({shown}, length({text}), '*') END"
    return f"CASE WHEN {text} IS NOT NULL THEN {_token(text)} END"


def decrypted(text: str) -> str:
    """The clear text of `kid:base64(nonce || cipher || tag)`; NULL when key, form or cipher text are wrong."""
    kid = f"substring_index({text}, ':', 1)"
    sealed = f"try_to_binary(substr({text}, instr({text}, ':') + 1), 'base64')"
    clear = f"try_aes_decrypt({sealed}, try_element_at(_keys, {kid}), 'GCM')"
    return f"CASE WHEN instr({text}, ':') > 0 THEN try_validate_utf8(CAST({clear} AS string)) END"


def _token(text: str) -> str:
    # A CPF or CNPJ is its digits, however it is written.
    digits = f"regexp_replace({text}, '[^0-9]', '')"
    person = f"{text} RLIKE r'\\A[0-9 ./-]+\\z' AND length({digits}) IN (11, 14)"
    message = f"CAST(CASE WHEN {person} THEN {digits} ELSE {text} END AS binary)"
    inner = f"unhex(sha2(concat(_inner_pad, {message}), 256))"
    return f"concat(_kid, ':', sha2(concat(_outer_pad, {inner}), 256))"
