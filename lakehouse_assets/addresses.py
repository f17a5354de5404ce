"""Addresses of services: read without repeating them, and shown without what is secret in them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_UNREADABLE = "an address that cannot be read"


def split(address: str) -> SplitResult | None:
    """The parts of a URL, a DSN or host:port; None when it cannot be read, for `urlsplit` would quote a password.

    The port, where there is one, is from 1 to 65535. There are no fragments: to libpq a `#` is a letter.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}", allow_fragments=False)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def shown(address: str) -> str:
    """Scheme, host and port of a URL or of `host:port,...`, for people: the rest may be a password or a token.

    Only what has no scheme is split at its commas: a token may hold some.
    """
    if "://" not in address and "," in address:
        return ",".join(shown(one.strip()) for one in address.split(","))
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE
    if not host:
        return _UNREADABLE
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return f"{scheme}{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
