"""Somebody clicks through Django's admin, in Chromium."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from werkzeug.serving import make_server

import pgq
from tests.browser.conftest import _Quiet as Quiet
from tests.browser.conftest import chromium as chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.fixture
def pages(
    chromium: Browser, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A page of a browser, logged in as a superuser."""
    # Playwright has an event loop in this thread, where Django asks nothing of a database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    request.getfixturevalue("site")
    from django.contrib.auth.models import User

    User.objects.create_superuser("ann", password="correct horse")
    handler: Any = StaticFilesHandler(get_wsgi_application())
    server = make_server("127.0.0.1", 0, handler, threaded=False, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto("/admin/pgq/")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert faults == []


def test_somebody_finds_a_job_and_ends_it(pages: Page, client: pgq.Client) -> None:
    job = client.enqueue("shop.report", queue="reports", delay=timedelta(days=1))
    client.enqueue("shop.mail", queue="mail")
    pages.reload()
    pages.get_by_role("row", name="reports").get_by_role("link", name="1").click()
    pages.get_by_role("heading", name="1 job").wait_for()
    pages.get_by_role("link", name=str(job)).click()
    pages.get_by_role("button", name="Run now").click()
    pages.get_by_text("Run now: 1 promoted.").wait_for()
    pages.get_by_role("button", name="Discard").click()
    pages.get_by_role("heading", name="Discard?").wait_for()
    pages.get_by_role("button", name="Yes: discard").click()
    pages.get_by_text("Discard: 1 discarded.").wait_for()
    assert client.job(job) is None


def test_somebody_chooses_all_that_match(pages: Page, client: pgq.Client) -> None:
    client.enqueue_many([pgq.NewJob("shop.mail", queue="mail") for _ in range(150)])
    pages.goto("/admin/pgq/job/?queue=mail")
    pages.locator("#action-toggle").check()
    pages.get_by_text("Select all 150 jobs").click()
    pages.locator("select[name=action]").select_option("cancel")
    pages.get_by_role("button", name="Go").click()
    pages.get_by_role("button", name="Yes: cancel").click()
    pages.get_by_text("150 jobs match").wait_for()
    pages.get_by_role("link", name="its page").click()
    pages.get_by_role("button", name="Stop or undo").click()
    pages.get_by_text("1 undone").wait_for()
    assert {each.status for each in client.bulk_status()} == {"undone"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_as_wide_as_a_phone_at_most(
    pages: Page, client: pgq.Client, scheme: Any
) -> None:
    client.enqueue("shop.report", queue="reports")
    pages.emulate_media(color_scheme=scheme)
    pages.set_viewport_size({"width": 360, "height": 740})
    for address in ("/admin/pgq/", "/admin/pgq/job/", "/admin/pgq/queue/reports/change/"):
        pages.goto(address)
        assert pages.evaluate("document.scrollingElement.scrollWidth") <= 360
