"""A real Chromium, and the page served as the stack serves it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from lakehouse_assets_tests.real_stack import free_port_base

WIDTHS = (1280, 390)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
_START_SECONDS = 60


def chromium() -> str:
    """Debian's Chromium, installed when it is not there; RuntimeError telling how when it cannot be."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except OSError as error:
            raise _no_browser(str(error)) from None
        if done.returncode:
            raise _no_browser(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else command[0])
    return shutil.which("chromium") or "/usr/bin/chromium"


def _no_browser(reason: str) -> RuntimeError:
    return RuntimeError(
        f"the page's tests need Chromium, and it cannot be installed ({reason}); next: apt-get install chromium"
    )


@contextmanager
def served(words: Mapping[str, str], log: Path) -> Iterator[str]:
    """The page's address while it is served with these settings."""
    port = free_port_base() + 7
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOUSE_", "STREAMLIT_"))}
    command = [sys.executable, "-m", "lakehouse_assets.dashboard", "--port", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env={**kept, **words}, stdout=out, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/_stcore/script-health-check", server, log)
        yield url
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(60)
        server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise RuntimeError(f"the page is not served:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def opened() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, width: int, scheme: str = "light") -> Iterator[tuple[Page, list[str]]]:
    """A page of a visit in Brazil, and what it complained of or asked of other machines."""
    place = browser.new_context(
        viewport={"width": width, "height": 900}, locale="pt-BR", timezone_id="America/Sao_Paulo", color_scheme=scheme  # type: ignore[arg-type]
    )  # fmt: skip
    page, complaints = place.new_page(), []
    page.on("console", lambda m: complaints.append(f"{m.text} {m.location}") if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("http://127.0.0.1", "data:", "blob:")) else complaints.append(f"asked {r.url}"))  # fmt: skip
    yield page, complaints
    place.close()


def go(page: Page, title: str) -> None:
    """Follow the navigation to a page, as a person does, and wait until it stands."""
    page.get_by_test_id("stPageLink").filter(has_text=title).click()
    settled(page, title)


def settled(page: Page, title: str) -> None:
    """Wait until the page of that title is drawn and nothing of an earlier one is left."""
    page.get_by_role("heading", name=title, level=1, exact=True).wait_for()
    page.wait_for_selector(".lk-figure, .lk-notice")
    page.wait_for_function("!document.querySelector('[data-test-script-state=running], [data-stale=true]')")
