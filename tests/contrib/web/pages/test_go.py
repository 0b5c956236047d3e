"""From what one has at hand to its page."""

from __future__ import annotations

from urllib.parse import urlencode

import psycopg

import pgq
from tests.contrib.web.conftest import Browser
from tests.contrib.web.hostile import NAMES
from tests.contrib.web.html import Page
from tests.contrib.web.pages.test_jobs import Open, open_as

__all__ = ["open_as"]


def led(browser: Browser, text: str) -> str | None:
    """Return where a text leads; None: nowhere."""
    answer = browser.get("/go?" + urlencode({"q": text}))
    assert answer.status_code in (303, 404), answer.text
    return answer.headers.get("Location")


def test_where_it_leads(browser: Browser, client: pgq.Client, conn: psycopg.Connection) -> None:
    job = client.enqueue("send", queue="mail", unique_key="order-7")
    for name in NAMES:
        client.enqueue("t", queue=name)
    conn.execute(
        "select pgq.complete_batch(array[job_id], array[claim_id])"
        " from pgq.claim_batch('{mail}', batch_size => 1)"
    )
    assert led(browser, f" {job} ") == led(browser, f"#{job}") == f"/jobs/{job}"
    assert led(browser, "send") == "/task?name=send"
    client.enqueue("send", queue="mail", unique_key="order-8")
    newest = client.list_jobs(queue="mail").jobs[0].id
    assert led(browser, "mail") == "/queue?name=mail"
    assert led(browser, "order-8") == f"/jobs/{newest}"
    assert led(browser, "0123456789abcdef") == "/error?fingerprint=0123456789abcdef"
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    assert led(browser, trace) == f"/jobs?headers.traceparent={trace}"
    assert led(browser, "state:failed") == "/jobs?q=state:failed"
    assert led(browser, "") == "/jobs"
    for name in NAMES:
        answer = browser.get("/go?" + urlencode({"q": name}))
        assert answer.status_code in (303, 404)


def test_nothing_has_that_name(browser: Browser) -> None:
    answer = browser.get("/go?" + urlencode({"q": "<b>nobody</b>"}))
    assert answer.status_code == 404
    page = Page(answer.text)
    assert page.faults == [] and "/jobs?" + urlencode({"task": "<b>nobody</b>"}) in page.links
    for text in ("x" * 5000, "\0", "9" * 19, "99999999999999999999"):
        assert led(browser, text) in (None, "/jobs")


def test_what_is_of_others_leads_nowhere(open_as: Open, client: pgq.Client) -> None:
    job = client.enqueue("pay", queue="payments", unique_key="k")
    browser = open_as(queues=("mail",))
    assert led(browser, str(job)) is led(browser, "payments") is led(browser, "k") is None


def test_a_trace_leads_to_its_jobs(open_as: Open, client: pgq.Client) -> None:
    trace = "c" * 32
    first = client.enqueue(
        "send", queue="mail", headers={"traceparent": f"00-{trace}-{'1' * 16}-01"}
    )
    assert led(open_as(), trace) == f"/jobs/{first}"
    other = client.enqueue("pay", queue="pay", headers={"traceparent": f"00-{trace}-{'2' * 16}-00"})
    client.enqueue("pay", headers={"traceparent": "nonsense"})
    browser = open_as()
    found = browser.json(f"/go?q={trace}")
    assert [job["id"] for job in found["jobs"]] == [other, first]
    page = Page(browser.get(f"/go?q=00-{trace}-{'1' * 16}-01").text)
    assert page.faults == [] and f"/jobs/{first}" in page.links
    assert led(open_as(queues=("mail",)), trace) == f"/jobs/{first}"
    assert led(open_as(queues=("other",)), trace) is None


def test_the_bar_finds_from_every_page(browser: Browser) -> None:
    page = browser.get("/workers").text
    assert '<form class="go" method="get" action="/go"' in page
