"""How near the source is to throwing away WAL that was not read yet; only a new snapshot mends that."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_SHARE = 0.2  # of what the slot may hold
OLDEST_HEARTBEAT_SECONDS = 60.0  # the connector beats every 10 s


@dataclass(frozen=True)
class WalGuard:
    """Bytes of WAL the slot holds back, bytes left until it is invalidated (None: no limit), age of the last heartbeat."""

    retained_bytes: int
    safe_wal_size: int | None
    heartbeat_age_seconds: float | None

    @property
    def problem(self) -> str:
        """What will go wrong if nothing is done; empty when all is well."""
        safe, age = self.safe_wal_size, self.heartbeat_age_seconds
        if safe is not None and safe < LEAST_SHARE * (safe + self.retained_bytes):
            return f"{_mib(safe)} more of WAL and the slot is lost: {_mib(self.retained_bytes)} wait to be read"
        if age is not None and age > OLDEST_HEARTBEAT_SECONDS:
            return f"the connector's last heartbeat is {age:.0f} s old: nothing moves the slot"
        return ""

    @property
    def text(self) -> str:
        """The figures in one line."""
        limit = "without a limit" if self.safe_wal_size is None else f"{_mib(self.safe_wal_size)} until it is lost"
        age = (
            "no heartbeat yet"
            if self.heartbeat_age_seconds is None
            else f"heartbeat {self.heartbeat_age_seconds:.0f} s ago"
        )
        return f"{_mib(self.retained_bytes)} of WAL kept, {limit}, {age}"


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
