"""Kafka Connect's REST interface: put a connector's configuration, see its state with the first cause, restart it."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from lakehouse_assets.addresses import shown
from lakehouse_assets.errors import ConfigurationError, LakehouseError

_TIMEOUT_SECONDS = 30
_CAUSE_LENGTH = 300
RUNNING, FAILED, MISSING, STOPPED, PAUSED = "RUNNING", "FAILED", "MISSING", "STOPPED", "PAUSED"


class _Rebalancing(LakehouseError):
    """The worker answers 409 while it rebalances; a moment later it takes the request."""


@dataclass(frozen=True)
class ConnectorStatus:
    """What a connector and its task do; `state` is the worse of the two: RUNNING, PAUSED, FAILED, MISSING, ..."""

    name: str
    state: str
    cause: str = ""  # of a FAILED one: the first line of the deepest cause

    @property
    def running(self) -> bool:
        """Whether connector and task both run."""
        return self.state == RUNNING


def worker_version(url: str) -> str:
    """The version of the worker at `url`; LakehouseError when it does not answer."""
    return str(_request(url, "GET", "/").get("version", ""))


def apply_connector(url: str, name: str, config: Mapping[str, str]) -> bool:
    """Make the connector be as `config` says; False when it is already. LakehouseError when Connect refuses it."""
    wanted = {**config, "name": name}
    if connector_config(url, name) == wanted:
        return False
    _request(url, "PUT", f"/connectors/{name}/config", wanted)
    return True


def connector_config(url: str, name: str) -> dict[str, str] | None:
    """The configuration Connect holds for the connector, None when it knows none of that name."""
    return _request(url, "GET", f"/connectors/{name}/config", missing=None)


def connector_status(url: str, name: str) -> ConnectorStatus:
    """What the connector does now, with the first cause of a failure."""
    answer = _request(url, "GET", f"/connectors/{name}/status", missing=None)
    if answer is None:
        return ConnectorStatus(name, MISSING)
    parts = [answer["connector"], *answer["tasks"]]
    failed = [part for part in parts if part["state"] == FAILED]
    if failed:
        return ConnectorStatus(name, FAILED, first_cause(failed[-1].get("trace", "")))
    others = [part["state"] for part in parts if part["state"] != RUNNING]
    if not answer["tasks"] and not others:
        others.append("UNASSIGNED")
    return ConnectorStatus(name, others[0] if others else RUNNING)


def delivered_lsn(url: str, name: str) -> int | None:
    """The LSN up to which the connector has delivered, by its stored offsets; None before it has stored any."""
    answer = _request(url, "GET", f"/connectors/{name}/offsets", missing=None)
    stored = [entry["offset"] for entry in (answer or {}).get("offsets", [])]
    known = [offset[field] for offset in stored for field in ("lsn_commit", "lsn_proc", "lsn") if offset.get(field)]
    return max(known, default=None)


def restart(url: str, name: str) -> None:
    """Start the connector and its failed task again."""
    _request(url, "POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true", missing=None)


def stop(url: str, name: str) -> None:
    """Stop the connector's task for now; only a stopped connector lets its offsets be forgotten."""
    _request(url, "PUT", f"/connectors/{name}/stop")


def resume(url: str, name: str) -> None:
    """Let a stopped or paused connector run again."""
    _request(url, "PUT", f"/connectors/{name}/resume")


def forget_offsets(url: str, name: str) -> None:
    """Forget how far a stopped connector has read: it begins with a snapshot when it runs again."""
    _request(url, "DELETE", f"/connectors/{name}/offsets")


def delete_connector(url: str, name: str) -> None:
    """Remove the connector; its offsets and its slot stay."""
    _request(url, "DELETE", f"/connectors/{name}", missing=None)


def first_cause(trace: str) -> str:
    """The first line of the deepest cause in a Java stack trace, without the exception's package, shortened."""
    causes = re.findall(r"^Caused by: (.+)$", trace, flags=re.MULTILINE)
    line = (causes[-1] if causes else trace.strip().partition("\n")[0]).strip()
    line = re.sub(r"^(?:[a-z_0-9]+\.)+([A-Z])", r"\1", line)
    if len(line) <= _CAUSE_LENGTH:
        return line
    # Debezium puts whole objects in the middle; what went wrong is said at the ends.
    return f"{line[: _CAUSE_LENGTH // 2]} ... {line[-_CAUSE_LENGTH // 2 :]}"


@retry(
    retry=retry_if_exception_type(_Rebalancing), stop=stop_after_delay(30), wait=wait_fixed(0.5), reraise=True
)  # fmt: skip
def _request(url: str, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
    request = _asked(url, method, path)
    request.add_header("Accept", "application/json")
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=_TIMEOUT_SECONDS) as response:
            text = response.read()
            return json.loads(text) if text else {}
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.NOT_FOUND and "missing" in kwargs:
            return kwargs["missing"]
        raise _refusal(url, error) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise LakehouseError(
            f"no answer from Kafka Connect: {reason}",
            where=shown(url),
            next_step="lakehouse up, or look at logs/connect.log",
        ) from None


def _asked(url: str, method: str, path: str) -> urllib.request.Request:
    """A request that has the URL's credentials in its header, for urllib takes them for a part of the host's name.

    ConfigurationError, which repeats nothing of the URL, when it cannot be read.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        request = urllib.request.Request(bare.rstrip("/") + path, method=method)
    except ValueError:
        raise ConfigurationError(
            ["LAKEHOUSE_CONNECT_URL: cannot be read; expected http://host:port, special characters %-encoded"],
            where="environment",
        ) from None
    if "@" in parts.netloc:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        # Not to where an answer redirects to.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    return request


def _refusal(url: str, error: urllib.error.HTTPError) -> LakehouseError:
    try:
        message = json.loads(error.read()).get("message", "")
    except (ValueError, OSError):
        message = ""
    if error.code == http.HTTPStatus.CONFLICT:
        return _Rebalancing("Kafka Connect is rebalancing", where=shown(url), next_step="try again in a minute")
    short = " ".join(str(message).split())[: _CAUSE_LENGTH * 2]
    return LakehouseError(
        f"Kafka Connect answered {error.code}: {short}", where=shown(url), next_step="lakehouse doctor"
    )
