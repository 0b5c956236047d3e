"""A real browser in front of a real dashboard."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from pgq.contrib.web.access import ALL, Access, Authorize, from_here
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Browsers that are looked for on the PATH; none is downloaded."""
PATIENCE_MS = 10_000
ANSWERS_ARE_KEPT_MS = 1100


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (the base's word)
        """Say nothing."""


@dataclass
class Window:
    """A dashboard that is served, and what its pages complained about in the browser."""

    url: str
    browser: Browser
    faults: list[str] = field(default_factory=list)

    def open(
        self,
        address: str,
        *,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        every: int | None = None,
    ) -> Page:
        """Return a new page at an address of the dashboard, in a context of its own.

        It looks again every so many seconds; None: when the test says so, by `refresh`.
        """
        context = self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        often = "off" if every is None else str(every)
        context.add_cookies([{"name": "pgq_every", "value": often, "url": self.url}])
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        # What the policy of the pages forbids is an error on the console too.
        page.on("console", lambda said: self._note(page.url, said.type, said.text))
        page.on("request", lambda asked: self._note_request(page.url, asked.url))
        page.goto(self.url + address)
        return page

    def forgive(self, known: re.Pattern[str]) -> None:
        """Leave out faults that a test meant, and of which there must be one."""
        kept = [fault for fault in self.faults if not known.search(fault)]
        assert len(kept) < len(self.faults)
        self.faults[:] = kept

    def _note(self, at: str, kind: str, text: str) -> None:
        if kind == "error":
            self.faults.append(f"{at}: {text}")

    def _note_request(self, at: str, asked: str) -> None:
        if not asked.startswith((self.url, "data:")):
            self.faults.append(f"{at} asks for {asked}")


def refresh(page: Page) -> None:
    """Have a page look again, when answers are not kept any more, and wait for the end."""
    page.wait_for_timeout(ANSWERS_ARE_KEPT_MS)
    page.evaluate(
        """() => new Promise(done => {
             const end = () => setTimeout(done, 100);
             document.addEventListener("htmx:finally:request", end, { once: true });
             document.activeElement.dispatchEvent(
               new KeyboardEvent("keydown", { key: "r", bubbles: true }));
           })"""
    )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser of this machine's; a test is skipped where there is none.

    Its driver has an event loop in this thread, beside which no test of another module can run one.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_api.sync_playwright() as running:
        # As root, Chromium has no sandbox.
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def served(dsn: str, authorize: Authorize) -> Iterator[str]:
    dashboard = Dashboard(dsn, authorize=authorize, operator=Operator(dsn, "pgq"), secret="tests")
    server = make_server("127.0.0.1", 0, dashboard.wsgi, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    dashboard.close()


@pytest.fixture
def window(dsn: str, chromium: Browser) -> Iterator[Window]:
    """The dashboard of the database of `dsn`, for somebody with all rights."""
    for url in served(dsn, from_here(Access("operator", ALL))):
        window = Window(url, chromium)
        yield window
        for context in chromium.contexts:
            context.close()
        assert window.faults == []
