"""A TCP link that can be cut, hung and slowed while connections are open, to stand between two parts of a stack."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

_CHUNK = 16_384
_SLOW_BYTES_PER_SECOND = 20_000


class Link(StrEnum):
    """What a link does: let through, refuse and break, let nothing through, let little through."""

    OPEN = "open"
    CUT = "cut"
    HUNG = "hung"
    SLOW = "slow"


class Proxy:
    """Listens on a free loopback port and carries every connection to the target."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._state, self._changed = Link.OPEN, threading.Condition()
        self._open: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def being(self, state: Link) -> Iterator[None]:
        """The link in another state for a while; open afterwards."""
        self._become(state)
        try:
            yield
        finally:
            self._become(Link.OPEN)

    def close(self) -> None:
        """Listen no more and break what is open."""
        self._listener.close()
        self._break()

    def _become(self, state: Link) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()
        if state is Link.CUT:
            self._break()

    def _break(self) -> None:
        for end in tuple(self._open):
            _reset(end)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            if self._state is Link.CUT:
                _reset(near)
                continue
            try:
                far = socket.create_connection(self._target, timeout=10)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                self._hold(len(data))
                sink.sendall(data)
        except OSError:
            pass  # one side is gone, so the other goes too
        for end in (source, sink):
            self._open.discard(end)
            _reset(end)

    def _hold(self, size: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._state is not Link.HUNG)
        if self._state is Link.SLOW:
            time.sleep(size / _SLOW_BYTES_PER_SECOND)


def _reset(end: socket.socket) -> None:
    """End a connection at once, as a broken line does: the peer reads an error, not an end."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is not connected any more
    finally:
        end.close()
