"""Starts, stops, shows and removes a whole stack; what `lakehouse up`, `down`, `status` and `clean` do."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO

from lakehouse_assets import documents
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import BRAKE, SERVING
from lakehouse_assets.continuity.state import FOLDER as STREAM
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.keys import ensure_keys
from lakehouse_assets.normalisation.protection import needs_keys
from lakehouse_assets.proof.verification import FOLDER as PROOF
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import dagster, kafka, owner, plan, postgres, processes, supervision
from lakehouse_assets.stack.connections import Connections, connections
from lakehouse_assets.stack.environment import service_environment, setting_words
from lakehouse_assets.stack.jars import ensure_jars
from lakehouse_assets.stack.java import require_java
from lakehouse_assets.stack.ports import require_free
from lakehouse_assets.stack.preconditions import require_disk, require_plain_paths
from lakehouse_assets.stack.readiness import Fill, Readiness
from lakehouse_assets.stack.service import Service, ServiceState

LAYERS = ("raw", "transformed", "refined", "history", "quarantine", PROOF, STREAM, BRAKE, SERVING)
_STOP_SECONDS = 60
_STATES = {"RUNNING": "up", "STARTING": "starting", "STOPPING": "stopping", "STOPPED": "down"}
Say = Callable[[str], None]
_NOTHING = "nothing is running"


def up(
    settings: Settings, catalog: Catalog, say: Say, only: Iterable[str] = plan.ALL, fill: Fill | None = None
) -> None:
    """Start what does not run, make what is missing, return when everything is healthy; a second call changes nothing.

    `say` gets a line of progress for each part. `fill` is called once the source's tables are there, while the other parts
    start. LakehouseError names the part that is not well and what mends it.
    """
    since = time.monotonic()
    java = require_java()
    require_plain_paths(settings)
    require_disk(settings.home)
    ensure_jars(settings.cache, say, java)
    with _alone(settings.home, say):
        plan.ensure_secrets(settings)
        if any(needs_keys(table.columns) for table in catalog.tables):
            ensure_keys(settings)
        links = connections(settings)
        chosen = plan.services(settings, java, only)
        _start(settings, catalog, links, java, chosen, say)
        names = frozenset(service.name for service in chosen)
        Readiness(settings, catalog, links, names, say, since, fill).reach()


def down(settings: Settings, say: Say) -> None:
    """Stop everything and return when every process of the stack has ended, whoever started it."""
    if not settings.home.exists():
        say(_NOTHING)
        return
    with _alone(settings.home, say):
        _stop(settings, say)


def clean(settings: Settings, say: Say) -> None:
    """Stop the stack, then remove its state and the layers of its lake, and nothing else.

    LakehouseError where the home is not there and the lake is: it may be that of a running stack with another home.
    """
    if not settings.home.exists():
        if _layers(settings):
            raise LakehouseError(
                f"there is a lake in {settings.lake}, but no stack's home", where=str(settings.home),
                next_step="set LAKEHOUSE_HOME to the home of its stack, or remove the lake's folders by hand",
            )  # fmt: skip
        say(_NOTHING)
        return
    _require_stack_home(settings.home)
    with _alone(settings.home, say):
        _stop(settings, say)
        owner.remove_outside(settings.home)
        for folder in (*_layers(settings), settings.home):
            shutil.rmtree(folder.resolve())
            if folder.is_symlink():  # to another disk
                folder.unlink()
            say(f"removed {folder}")


def _layers(settings: Settings) -> list[Path]:
    return [place for layer in LAYERS if (place := settings.lake / layer).exists()]


def service_states(settings: Settings) -> list[ServiceState]:
    """Every service, also of a stack that is down; external ones have no pid."""
    links = connections(settings)
    external = [
        ServiceState(name, "external", None, address) for name, address in plan.external_states(settings, links)
    ]
    known = supervision.states(settings.home)
    own = [_state(service, known) for service in plan.services(settings, Path("java"))]
    order = {name: place for place, name in enumerate(plan.ALL)}
    return sorted([*own, *external], key=lambda state: order[state.name])


def _start(
    settings: Settings, catalog: Catalog, links: Connections, java: Path, chosen: tuple[Service, ...], say: Say
) -> None:
    home = settings.home
    words = setting_words(settings, links)
    mark = supervision.run_folder(home) / "fingerprint.json"
    wanted = plan.fingerprint(settings, catalog, links, words, supervision.configuration(home, chosen))
    if supervision.running(home):
        known = documents.read(mark) or {}
        if known == asdict(wanted):
            return
        if known.get("settings") == wanted.settings:
            if dagster.CODE_SERVER in {service.name for service in chosen}:
                _require_readable_business_tables(settings, catalog)
            say("the catalog or a business table changed: the engine and Dagster read them again")
            _reread(home, [service.name for service in chosen])
            documents.write(mark, asdict(wanted))
            return
        say("the settings changed: starting the stack again")
        _stop(settings, say)
    elif left := processes.of_stack(home, data=owner.place_of(home).data):
        say(f"ending {len(left)} processes that an earlier, broken run left behind")
        _end(left, home)
    require_free(plan.listeners(settings, chosen))
    environment = service_environment(settings, links)
    plan.prepare(settings, catalog, links, java, chosen, environment)
    supervision.start(home, chosen, environment)
    documents.write(mark, asdict(wanted))


def _require_readable_business_tables(settings: Settings, catalog: Catalog) -> None:
    """ConfigurationError while Dagster, which could not load them, still runs with those it knows."""
    from lakehouse_assets.catalog.refined import load_refined

    load_refined(settings.refined_folder, catalog)


def _reread(home: Path, chosen: Iterable[str]) -> None:
    """Have the running services read the catalog again; what flows through the others goes on."""
    names = set(chosen)
    for name in names.intersection(plan.REREADING):
        supervision.ask_to_reread(home, name)
    with ThreadPoolExecutor(max_workers=len(plan.STARTED_AGAIN)) as pool:
        # Asked for its answers, so that one which did not start again is told, and tried again by the next `up`.
        list(pool.map(partial(supervision.restart, home), names.intersection(plan.STARTED_AGAIN)))


def _stop(settings: Settings, say: Say) -> None:
    home, data = settings.home, owner.place_of(settings.home).data
    if supervision.running(home):
        say("stopping")
        # Kafka and PostgreSQL last, and in the supervisor's own order: what uses them has ended by then.
        supervision.stop_soon(home, [name for name in plan.ALL if name not in (postgres.NAME, kafka.NAME)])
        supervision.shutdown(home)
        left = processes.wait_for_none(home, data, _STOP_SECONDS)
    elif not (left := processes.of_stack(home, data=data)):
        say(_NOTHING)
    if left:
        say(f"ending {len(left)} processes that did not stop by themselves")
        _end(left, home)
    supervision.forget(home)


def _end(left: list, home: Path) -> None:
    alive = processes.end(left, grace_seconds=10)
    if alive:
        pids = ", ".join(str(process.pid) for process in alive)
        raise LakehouseError(f"processes cannot be ended: {pids}", where=str(home), next_step="end them by hand")


def _state(service: Service, known: dict[str, tuple[str, int | None]]) -> ServiceState:
    state, pid = known.get(service.name, ("STOPPED", None))
    return ServiceState(service.name, _STATES.get(state, "failing"), pid, service.address)


def _require_stack_home(home: Path) -> None:
    # A mistyped LAKEHOUSE_HOME must not cost anybody a folder of his own.
    if not any(sign.exists() for sign in (home / "secrets.env", supervision.configuration_file(home))):
        raise LakehouseError("is no home of a stack", where=str(home), next_step="check LAKEHOUSE_HOME")


@contextmanager
def _alone(home: Path, say: Say) -> Iterator[None]:
    """One `up`, `down` or `clean` of a stack at a time; who has to wait is told."""
    while True:
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another up, down or clean of this stack is at work; waiting until it ends")
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is(home / ".lock", file):
                continue  # `clean` has removed it while this waited
            yield
            return


def _is(place: Path, file: IO[str]) -> bool:
    """Whether the open file is what is there now."""
    return place.exists() and os.path.samestat(place.stat(), os.fstat(file.fileno()))
