"""What the resources do when the part behind them is not there."""

from __future__ import annotations

import socket
import time

import pytest

from lakehouse_assets.engine.session import require_remote
from lakehouse_assets.errors import LakehouseError


def test_an_engine_that_is_down_is_one_clear_error_and_no_long_wait():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        url = f"sc://127.0.0.1:{reserved.getsockname()[1]}"
        since = time.monotonic()
        with pytest.raises(LakehouseError, match="Spark does not answer") as caught:
            require_remote(url, 0.5)
    assert time.monotonic() - since < 10
    assert "lakehouse doctor" in caught.value.next_step


def test_an_engine_that_listens_is_taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        require_remote(f"sc://127.0.0.1:{listening.getsockname()[1]}", 1)
