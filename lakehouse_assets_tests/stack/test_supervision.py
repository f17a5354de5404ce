"""The supervisor's configuration says what we mean, and its processes are found and ended."""

from __future__ import annotations

import configparser
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.stack import processes, supervision
from lakehouse_assets.stack.health import Stopped, log_tail, wait_until
from lakehouse_assets.stack.launch import launched
from lakehouse_assets.stack.secrets import ADMIN, ensure_secrets
from lakehouse_assets.stack.service import HOME_MARK, SERVICE_MARK, Service
from lakehouse_assets_tests.stack.waiting import eventually

_SLEEP = (sys.executable, "-c", "import time; print('slept', flush=True); time.sleep(600)")
# As an engine is: a child that outlives its parent.
_PARENT = (
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    " time.sleep(600)",
)


def _service(name: str, *command: str, **more: object) -> Service:
    return Service(name, command or _SLEEP, "", **more)  # type: ignore[arg-type]


def _program(home: Path, service: Service) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.read_string(supervision.configuration(home, [service]))
    return parser[f"program:{service.name}"]


def test_a_service_is_restarted_always_and_stopped_with_all_its_children(tmp_path: Path) -> None:
    program = _program(tmp_path, _service("engine"))
    assert (program["autorestart"], program["autostart"]) == ("true", "true")
    assert int(program["startretries"]) > 100_000
    assert (program["stopasgroup"], program["killasgroup"]) == ("true", "true")
    assert program["stopsignal"] == "TERM"
    assert program["stdout_logfile"] == str(tmp_path / "logs" / "engine.log")


def test_postgres_is_stopped_by_its_fast_shutdown_as_its_own_user(tmp_path: Path) -> None:
    program = _program(tmp_path, _service("postgres", stop_signal="INT", user="nobody"))
    assert (program["stopsignal"], program["stopasgroup"], program["user"]) == ("INT", "false", "nobody")


def test_signs_of_the_configuration_are_escaped(tmp_path: Path) -> None:
    program = _program(tmp_path, _service("x", "run", "100%", "a b", environment={"WORD": 'say "50%"'}))
    assert program["command"] == "run 100%% 'a b'"
    assert '\\"50%%\\"' in program["environment"]


def test_a_long_home_gets_a_short_socket_in_a_private_folder(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    assert len(os.fsencode(supervision.socket_path(home))) < 100
    assert supervision.socket_path(home) != supervision.socket_path(tmp_path / ("y" * 120))
    assert supervision.socket_path(Path("/a")) == Path("/a/run/supervisor.sock")


@pytest.mark.parametrize("folder", ["home", "a home with spaces " + "x" * 100])
def test_a_killed_service_is_back_and_its_orphans_are_gone(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    home.mkdir()
    supervision.start(home, [_service("engine", *launched(*_PARENT)), _service("other")], dict(os.environ))
    try:
        eventually(lambda: len(processes.of_stack(home, service="engine")) == 2)
        state, pid = supervision.states(home)["engine"]
        assert state in ("STARTING", "RUNNING")
        assert pid
        assert psutil.Process(pid).cmdline()[1] == "-c"  # the service itself, no wrapper around it
        orphan = psutil.Process(pid).children()[0]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: (supervision.states(home)["engine"][1] or pid) != pid)
        eventually(lambda: not orphan.is_running())
        eventually(lambda: len(processes.of_stack(home, service="engine")) == 2)
    finally:
        supervision.shutdown(home)
        left = processes.wait_for_none(home, None, 20)
        supervision.forget(home)
    assert left == []
    assert "slept" in (home / "logs" / "other.log").read_text()
    assert not supervision.running(home)


def test_the_supervisors_file_is_for_its_owner(tmp_path: Path) -> None:
    supervision.start(tmp_path, [_service("one")], dict(os.environ))
    try:
        eventually(
            lambda: supervision.states(tmp_path)["one"][0] == "RUNNING"
        )  # one that only starts misses the end's signal
        assert (tmp_path / "run" / "supervisord.conf").stat().st_mode & 0o077 == 0
        assert supervision.socket_path(tmp_path).stat().st_mode & 0o077 == 0
    finally:
        supervision.shutdown(tmp_path)
        assert processes.wait_for_none(tmp_path, None, 20) == []


def test_a_supervisor_that_takes_too_long_to_start_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "_START_SECONDS", 0.01)
    with pytest.raises(LakehouseError, match=r"supervisord\.log: the supervisor does not start within 0.01 s\nnext: "):
        supervision.start(tmp_path, [_service("one")], dict(os.environ))
    assert processes.wait_for_none(tmp_path, None, 20) == []


def test_a_supervisor_that_is_down_has_no_states(tmp_path: Path) -> None:
    assert supervision.states(tmp_path) == {}
    assert not supervision.running(tmp_path)
    supervision.shutdown(tmp_path)


def test_only_the_processes_of_one_home_are_ended_and_a_deaf_one_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    mine = _marked(tmp_path / "mine", deaf)
    other = _marked(tmp_path / "other", "import time; print('x', flush=True); time.sleep(600)")
    try:
        found = processes.of_stack(tmp_path / "mine")
        assert [process.pid for process in found] == [mine.pid]
        assert processes.of_stack(tmp_path / "mine", service="another") == []
        assert processes.end(found, grace_seconds=0.5) == []
        assert not psutil.pid_exists(mine.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def _marked(home: Path, code: str) -> subprocess.Popen[str]:
    environment = {**os.environ, HOME_MARK: str(home), SERVICE_MARK: "it"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    return process


def test_a_service_that_keeps_ending_is_told_with_its_log_and_no_password(tmp_path: Path) -> None:
    password = ensure_secrets(tmp_path)[ADMIN]
    command = (sys.executable, "-c", f"import time; time.sleep(0.1); print('no luck', '{password}'); exit(3)")
    supervision.start(tmp_path, [_service("unlucky", *command)], dict(os.environ))
    try:
        with pytest.raises(LakehouseError) as caught:
            wait_until(tmp_path, "unlucky", lambda: False, _never(), seconds=15)
    finally:
        supervision.shutdown(tmp_path)
        processes.wait_for_none(tmp_path, None, 20)
    assert caught.value.where == "unlucky"
    assert "no luck ***" in caught.value.problem
    assert password not in caught.value.text()
    assert "unlucky.log" in caught.value.next_step


def test_waiting_is_called_off_at_once(tmp_path: Path) -> None:
    stop = _never()
    stop.set()
    with pytest.raises(Stopped):
        wait_until(tmp_path, "x", lambda: False, stop)


def test_a_log_that_is_not_there_has_no_tail(tmp_path: Path) -> None:
    assert log_tail(tmp_path, tmp_path / "none.log") == ""


def _never() -> threading.Event:
    return threading.Event()
