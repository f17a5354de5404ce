"""A port that somebody has is said with his name and the setting that goes around him."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lakehouse_assets.engine.__main__ import run
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.settings import PORTS_PER_STACK, load_settings
from lakehouse_assets.stack.ports import Port, is_own, listening, require_free
from lakehouse_assets_tests.real_stack import CATALOG


def test_every_listener_is_inside_the_twenty_and_none_shares_a_port() -> None:
    assert len(set(Port)) == len(Port)
    assert all(0 <= port < PORTS_PER_STACK for port in Port)
    assert Port.SPARK_CONNECT.of(15400) == 15404


def test_a_taken_port_names_the_process_its_pid_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listening(port)
        with pytest.raises(LakehouseError) as caught:
            require_free([("kafka", port)])
    assert f"port {port} (kafka)" in caught.value.problem
    assert f"pid {os.getpid()}" in caught.value.problem
    assert "LAKEHOUSE_PORT_BASE" in caught.value.next_step
    assert not listening(port)
    require_free([("kafka", port)])


def test_a_port_taken_on_every_address_is_taken_on_loopback() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(LakehouseError):
        require_free([("connect", server.getsockname()[1])])


def test_an_engine_in_the_terminal_does_not_start_beside_one_that_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        base = server.getsockname()[1] - Port.SPARK_CONNECT
        words = {"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_CATALOG": str(CATALOG), "LAKEHOUSE_PORT_BASE": str(base)}
        with pytest.raises(LakehouseError, match=f"the engine runs already: port {base + 4} .*pid {os.getpid()}"):
            run(load_settings(words), once=False)


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1:16001", True),
        ("localhost:16019", True),
        ("http://127.0.0.1:16003", True),
        ("sc://127.0.0.1:16004/;user_id=x", True),
        ("postgresql://lakehouse_app:pass@127.0.0.1:16000/condominio", True),
        ("postgresql://lakehouse_app:p%40ss@localhost:16000/condominio", True),
        ("127.0.0.1:16020", False),
        ("127.0.0.1:15999", False),
        ("kafka.example:16001", False),
        ("kafka.example:9092,127.0.0.1:16001", False),
        ("postgresql://app:pass@db.example/condominio", False),
        ("127.0.0.1", False),
        ("127.0.0.1:port", False),
    ],
)
def test_what_points_into_the_own_ports_is_not_external(address: str, own: bool) -> None:
    assert is_own(address, 16000) is own
