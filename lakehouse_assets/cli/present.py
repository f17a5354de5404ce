"""What the present state asks for: said by `lakehouse` without a word."""

from __future__ import annotations

from lakehouse_assets import continuity
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.engine import brake
from lakehouse_assets.stack import secrets
from lakehouse_assets.stack.up import service_states


def present(here: Edge) -> tuple[str, str]:
    """How things are, and what to type next. Nothing is waited for."""
    if not secrets.secrets_file(here.settings.home).exists():
        return "nothing was ever started here", "lakehouse demo, or lakehouse up"
    own = [state for state in service_states(here.settings) if state.state != "external"]
    down = [state for state in own if state.pid is None]
    if len(down) == len(own):
        return "the stack is down", "lakehouse up"
    if down:
        return f"not up: {', '.join(state.name for state in down)}", "lakehouse status, lakehouse doctor"
    if halt := continuity.read_halt(here.paths):
        return f"the stream is halted: {halt.text}", "lakehouse recover"
    if waiting := brake.waiting(here.paths, here.catalog.names):
        return (
            f"waiting for a person: {', '.join(fold.table for fold in waiting)}",
            "lakehouse status, lakehouse allow TABLE",
        )
    links = here.links
    return f"everything is up; pages: {links.page_url} and {links.webserver_url}", "lakehouse status, lakehouse verify"
