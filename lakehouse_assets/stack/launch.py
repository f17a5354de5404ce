"""Becomes a service after ending what an earlier, killed process of that service left behind.

A killed engine leaves a JVM that holds its port, a killed code server leaves runs that write to the lake. The
supervisor knows only the process it started; this finds the rest by the marks in their environment, then `exec`s, so
that the supervisor's pid is the service itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lakehouse_assets.stack import processes
from lakehouse_assets.stack.service import HOME_MARK, SERVICE_MARK

_GRACE_SECONDS = 2  # its parent is dead: there is nothing left to finish


def launched(*command: str) -> tuple[str, ...]:
    """The command that runs `command` after the clean-up."""
    return (sys.executable, "-m", "lakehouse_assets.stack.launch", *command)


def main() -> None:
    """End the leftovers of the service named in the environment, then become the command given as arguments."""
    home, service = os.environ[HOME_MARK], os.environ[SERVICE_MARK]
    left = processes.of_stack(Path(home), service=service)
    if left:
        print(f"ending {len(left)} processes that an earlier {service} left behind", flush=True)
        processes.end(left, _GRACE_SECONDS)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
