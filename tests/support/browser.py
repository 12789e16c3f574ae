"""A real browser without a screen, for tests of pages that scripts work on."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path("/usr/bin/chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextlib.contextmanager
def running_browser() -> Iterator[Any]:
    """Chromium with a profile of its own.

    Without it the test is skipped; with AIES_REQUIRE_CHROMIUM set, as in CI, it fails.
    """
    lack = _lack()
    if lack and os.environ.get("AIES_REQUIRE_CHROMIUM"):
        pytest.fail(f"AIES_REQUIRE_CHROMIUM is set, but {lack}")
    if lack:
        pytest.skip(lack)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _lack() -> str:
    if not PROGRAM.exists():
        return f"{PROGRAM} is missing"
    for name in ("playwright", "axe_playwright_python", "itables", "vl_convert"):
        try:
            __import__(name)
        except ImportError:
            return f"the package {name} is missing"
    return ""


class Watched:
    """A page, and what it did that it must not: requests, errors, words on the console."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.address = address
        self.troubles: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(address)

    def _note(self, request: Any) -> None:
        own = self.address.partition("#")[0]
        if request.url.partition("#")[0] != own and not request.url.startswith(("data:", "blob:")):
            self.troubles.append(f"asked for {request.url}")

    def violations(self) -> list[str]:
        """What axe finds that keeps people from using the page."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
