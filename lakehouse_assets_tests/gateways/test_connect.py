"""Kafka Connect's REST interface, against a small server that answers as Connect does."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lakehouse_assets.errors import ConfigurationError, LakehouseError
from lakehouse_assets.gateways.connect import (
    FAILED,
    MISSING,
    apply_connector,
    connector_config,
    connector_status,
    delivered_lsn,
    first_cause,
    restart,
    shown,
    worker_version,
)

_TRACE = """org.apache.kafka.connect.errors.ConnectException: An exception occurred in the change event producer.
\tat io.debezium.pipeline.ErrorHandler.setProducerThrowable(ErrorHandler.java:67)
Caused by: io.debezium.DebeziumException: Failed to start replication stream
\t... 5 more
Caused by: org.postgresql.util.PSQLException: ERROR: replication slot "lakehouse" does not exist
\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2725)
\t... 9 more
"""


class _Worker(ThreadingHTTPServer):
    """Answers (method, path) with what `answers` holds, first come first served, the last one again and again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Worker

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.authorizations.append(self.headers.get("Authorization"))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None))
        missing = [(404, {"error_code": 404, "message": "not found"})]
        left = self.server.answers.get((self.command, self.path), missing)
        code, answer = left.pop(0) if len(left) > 1 else left[0]
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def worker() -> Iterator[_Worker]:
    server = _Worker()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _status(connector: str, *tasks: str, trace: str = "") -> dict[str, Any]:
    parts = [{"id": number, "state": state, "trace": trace} for number, state in enumerate(tasks)]
    return {"name": "c", "connector": {"state": connector}, "tasks": parts}


def test_a_connector_that_differs_is_put_and_one_that_is_equal_is_left_alone(worker: _Worker) -> None:
    held: list[tuple[int, Any]] = [(404, {}), (200, {"a": "1", "name": "c"}), (200, {"a": "0", "name": "c"})]
    worker.answers = {("GET", "/connectors/c/config"): held, ("PUT", "/connectors/c/config"): [(200, {})]}
    assert apply_connector(worker.url, "c", {"a": "1"}) is True
    assert apply_connector(worker.url, "c", {"a": "1"}) is False
    assert apply_connector(worker.url, "c", {"a": "1"}) is True
    assert [body for method, _, body in worker.asked if method == "PUT"] == [{"a": "1", "name": "c"}] * 2


def test_a_rebalancing_worker_is_asked_again(worker: _Worker) -> None:
    worker.answers = {("PUT", "/connectors/c/config"): [(409, {"message": "rebalance"}), (409, {}), (201, {})]}
    assert apply_connector(worker.url, "c", {}) is True


def test_a_refusal_is_told_in_the_workers_words(worker: _Worker) -> None:
    worker.answers = {("PUT", "/connectors/c/config"): [(400, {"message": "wal_level property\nmust be 'logical'"})]}
    with pytest.raises(LakehouseError, match="400: wal_level property must be 'logical'"):
        apply_connector(worker.url, "c", {})


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (_status("RUNNING", "RUNNING"), "RUNNING"),
        (_status("RUNNING"), "UNASSIGNED"),
        (_status("RUNNING", "RESTARTING"), "RESTARTING"),
        (_status("PAUSED", "PAUSED"), "PAUSED"),
        (_status("STOPPED"), "STOPPED"),
        (_status("RUNNING", "FAILED", trace=_TRACE), FAILED),
        (_status("FAILED", trace=_TRACE), FAILED),
    ],
)
def test_the_worse_of_connector_and_task_counts(worker: _Worker, answer: dict[str, Any], state: str) -> None:
    worker.answers = {("GET", "/connectors/c/status"): [(200, answer)]}
    found = connector_status(worker.url, "c")
    assert found.state == state
    assert found.running is (state == "RUNNING")


def test_a_failed_task_is_told_with_its_first_cause(worker: _Worker) -> None:
    worker.answers = {("GET", "/connectors/c/status"): [(200, _status("RUNNING", "FAILED", trace=_TRACE))]}
    cause = connector_status(worker.url, "c").cause
    assert cause == 'PSQLException: ERROR: replication slot "lakehouse" does not exist'


def test_a_connector_nobody_made_is_missing(worker: _Worker) -> None:
    assert connector_status(worker.url, "c").state == MISSING
    assert connector_config(worker.url, "c") is None
    restart(worker.url, "c")


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        (_TRACE, 'PSQLException: ERROR: replication slot "lakehouse" does not exist'),
        ("io.debezium.DebeziumException: gone\n\tat x.y(Z.java:1)", "DebeziumException: gone"),
        ("no exception at all", "no exception at all"),
        ("", ""),
    ],
)
def test_the_first_cause_is_the_deepest(trace: str, cause: str) -> None:
    assert first_cause(trace) == cause


def test_a_long_cause_keeps_both_its_ends() -> None:
    cause = first_cause(f"io.debezium.DebeziumException: reads at [{'x' * 5000}], but this is no longer available")
    assert cause.startswith("DebeziumException: reads at")
    assert cause.endswith("but this is no longer available")
    assert len(cause) < 400


def test_a_worker_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(LakehouseError, match="no answer from Kafka Connect") as caught:
        worker_version("http://127.0.0.1:9")
    assert caught.value.where == "http://127.0.0.1:9"
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://connect.example:8083", "http://connect.example:8083"),
        ("http://user:secretword@connect.example:8083/secretword?a=secretword", "http://connect.example:8083"),
        ("https://secretword@connect.example", "https://connect.example"),
        ("sc://spark.example:443/;token=a,secretword", "sc://spark.example:443"),
        ("sc://[2001:db8::1]:443/;token=[secretword", "sc://[2001:db8::1]:443"),
        ("kafka-1.example:9092, [2001:db8::1]:9092", "kafka-1.example:9092,[2001:db8::1]:9092"),
        ("http://user:[secretword]@connect.example", "an address that cannot be read"),
        ("http://user:secret/word@connect.example", "an address that cannot be read"),
        ("sc:///;token=secretword", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_as_scheme_host_and_port(address: str, told: str) -> None:
    assert shown(address) == told


def test_no_error_of_connect_repeats_the_credentials_of_its_address(worker: _Worker) -> None:
    named, path = f"http://127.0.0.1:{worker.server_address[1]}", ("GET", "/connectors/c/config")
    url = named.replace("//", "//user:secret%40word@")
    for code in (400, 500):
        worker.answers = {path: [(code, {"message": "no"})]}
        with pytest.raises(LakehouseError) as caught:
            connector_config(url, "c")
        assert caught.value.where == named
    with pytest.raises(LakehouseError, match="no answer") as caught:
        worker_version("http://user:secretword@127.0.0.1:9")
    assert caught.value.where == "http://127.0.0.1:9"
    assert "secret" not in str(caught.value)


def test_a_worker_is_given_the_credentials_of_its_address(worker: _Worker) -> None:
    worker.answers = {("GET", "/"): [(200, {"version": "4.3.1"})]}
    assert worker_version(worker.url.replace("//", "//user:secret%40word@") + "/") == "4.3.1"
    assert worker_version(worker.url) == "4.3.1"
    assert worker.authorizations == ["Basic dXNlcjpzZWNyZXRAd29yZA==", None]


@pytest.mark.parametrize("url", ["http://user:[secretword]@h:8083", "http://user:secretword/@h", "//user:secretword@h"])
def test_an_address_of_connect_that_cannot_be_read_is_one_clear_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="LAKEHOUSE_CONNECT_URL") as caught:
        worker_version(url)
    assert "secretword" not in "".join(traceback.format_exception(caught.value)).partition("ConfigurationError: ")[2]
    assert caught.value.__suppress_context__


def test_what_a_connector_has_delivered_is_the_furthest_of_its_stored_positions(worker: _Worker) -> None:
    path = ("GET", "/connectors/one/offsets")
    assert delivered_lsn(worker.url, "one") is None
    worker.answers[path] = [(200, {"offsets": []})]
    assert delivered_lsn(worker.url, "one") is None
    offset = {"lsn_proc": 29765256, "lsn_commit": 29765200, "lsn": 29765256, "txId": 792}
    worker.answers[path] = [(200, {"offsets": [{"partition": {"server": "one"}, "offset": offset}]})]
    assert delivered_lsn(worker.url, "one") == 29765256
