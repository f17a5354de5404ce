"""How the page looks and how its server is run: Streamlit's options, colours that charts share, and the style sheet."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
ICON, STYLE = HERE / "assets" / "icon.png", HERE / "assets" / "style.css"
TEAL, AMBER, ROSE, SLATE = "#0f8b7f", "#d08700", "#c9485b", "#8a97a8"
SERIES = ("#0f8b7f", "#3d6fb4", "#d08700", "#8a63b8", "#5f9e3f", "#c9485b", "#8a97a8")

_OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.scriptHealthCheckEnabled": "true",
    "server.allowedHosts": ("127.0.0.1", "localhost", "[::1]"),  # no name that somebody else's page resolves to us
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.showSidebarNavigation": "false",
    "theme.baseRadius": "0.6rem",
    "theme.light.primaryColor": "#0b776d",
    "theme.light.backgroundColor": "#fbfcfd",
    "theme.light.secondaryBackgroundColor": "#f1f4f6",
    "theme.light.textColor": "#17232e",
    "theme.light.borderColor": "#dfe5ea",
    "theme.dark.primaryColor": "#2bb3a3",
    "theme.dark.backgroundColor": "#10171d",
    "theme.dark.secondaryBackgroundColor": "#19222a",
    "theme.dark.textColor": "#e6ecf1",
    "theme.dark.borderColor": "#2b3843",
}


def options(port: int, address: str) -> list[str]:
    """The command-line options of the server."""
    given = _OPTIONS | {"server.port": str(port), "server.address": address}
    return [
        f"--{name}={value}"
        for name, values in given.items()
        for value in (values if isinstance(values, tuple) else (values,))
    ]
