"""Serves the page: `python -m lakehouse_assets.dashboard --port N`; reads the stack's settings from the environment."""

from __future__ import annotations

import argparse
import os
import sys

from lakehouse_assets.dashboard import theme

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Become the server: the process that a supervisor started is the service itself."""
    parser = argparse.ArgumentParser(prog="python -m lakehouse_assets.dashboard", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    script = str(theme.HERE / "app.py")
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", script, *theme.options(port, LOOPBACK)])


if __name__ == "__main__":
    main()
