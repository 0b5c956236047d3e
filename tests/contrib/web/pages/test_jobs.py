"""The list of jobs: filters, pages of it, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

import pgq
from pgq.contrib.web.access import READ, Access
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.redact import Redactor
from pgq.errors import InvalidArgument
from tests.contrib.web.conftest import Browser
from tests.contrib.web.html import Page

Open = Callable[..., Browser]


@pytest.fixture
def open_as(dsn: str) -> Iterator[Open]:
    """Look at the dashboard with other rights."""
    opened: list[Dashboard] = []

    def open_dashboard(*rights: str, queues: tuple[str, ...] | None = None) -> Browser:
        access = Access("me", READ | set(rights), queues)
        opened.append(Dashboard(dsn, authorize=lambda _request: access))
        return Browser(opened[-1])

    yield open_dashboard
    for each in opened:
        each.close()


def ids(found: Any) -> list[int]:
    return [job["id"] for job in found["page"]["jobs"]]


def many(client: pgq.Client, number: int, **options: Any) -> list[int]:
    made = client.enqueue_many([pgq.NewJob("t", **options) for _ in range(number)])
    return [each.id for each in made]


def test_nothing_yet_says_how_to_begin(browser: Browser) -> None:
    answer = browser.get("/jobs")
    assert "select pgq.enqueue(" in unescape(answer.text)
    assert "No job fits these filters" in browser.get("/jobs?queue=mail").text


def test_pages_older_and_newer_meet_every_job_once(browser: Browser, client: pgq.Client) -> None:
    made = many(client, 60)
    for order in ("", "&order=old"):
        seen, address, steps = [], f"/jobs?size=25{order}", 0
        way = "newer" if order else "older"
        while address:
            found = browser.json(address)
            seen += ids(found)
            last, address = address, found["page"][way]
            steps += 1
        assert seen == (made if order else made[::-1])
        assert steps == 3
        # And back again: the same pages, in the same order.
        back = browser.json(last)["page"]["older" if order else "newer"]
        assert ids(browser.json(back)) == seen[25:50]
        first = browser.json(browser.json(back)["page"]["older" if order else "newer"])
        assert ids(first) == seen[:25]
        end = first["page"]["older" if order else "newer"]
        assert ids(browser.json(end)) == []


def test_an_empty_page_leads_back(browser: Browser, client: pgq.Client) -> None:
    (job,) = many(client, 1)
    found = browser.json(f"/jobs?before={job}")
    assert ids(found) == [] and ids(browser.json(found["page"]["newer"])) == [job]
    found = browser.json(f"/jobs?after={job}")
    assert ids(found) == [] and ids(browser.json(found["page"]["older"])) == [job]


def test_filters_of_the_address(browser: Browser, client: pgq.Client) -> None:
    (mine,) = many(client, 1, queue="mail", partition_key="p")
    many(client, 2)
    assert ids(browser.json("/jobs?queue=mail")) == [mine]
    assert ids(browser.json("/jobs?state=ready&partition=p")) == [mine]
    assert ids(browser.json("/jobs?state=failed")) == []
    page = Page(browser.get("/jobs?queue=mail&state=ready").text)
    assert page.faults == []
    assert "/jobs?state=ready" in page.links  # without the queue
    assert "/jobs?state=failed&queue=mail" in page.links


def test_the_text_box_leads_to_an_address(browser: Browser) -> None:
    answer = browser.get("/jobs?" + urlencode({"q": "state:failed queue:mail since:24h"}))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/jobs?state=failed&queue=mail&since=1d"
    wrong = browser.get("/jobs?" + urlencode({"q": "qeue:<b> mail"}))
    assert wrong.status_code == 400
    assert "there is no such filter" in wrong.text and "say what it is: task:mail" in wrong.text
    assert 'value="qeue:&lt;b&gt; mail"' in wrong.text


@pytest.mark.parametrize(
    "query", ["qeue=mail", "state=x", "size=0", "args=x", "batch=%F0%9F%A6%80"]
)
def test_what_is_no_filter_shows_no_jobs(query: str, browser: Browser, client: pgq.Client) -> None:
    many(client, 1)
    answer = browser.get(f"/jobs?{query}")
    assert answer.status_code == 400
    assert Page(answer.text).faults == []
    assert "/jobs/1" not in answer.text


def test_a_page_says_how_far_it_looked(
    browser: Browser, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = many(client, 1, queue="a", partition_key="rare")
    many(client, 30, queue="a")
    asked = pgq.Client.list_jobs

    def near(self: pgq.Client, **options: Any) -> Any:
        return asked(self, **options, max_looked_at=10)

    monkeypatch.setattr(pgq.Client, "list_jobs", near)
    found = browser.json("/jobs?queue=a&partition=rare")
    assert ids(found) == [] and found["page"]["is_short"]
    assert "Look further" in browser.get("/jobs?queue=a&partition=rare").text
    seen: list[int] = []
    while found["page"]["older"]:
        found = browser.json(found["page"]["older"])
        seen += ids(found)
    assert seen == rare


def test_tabs_have_the_depths(browser: Browser, client: pgq.Client) -> None:
    many(client, 3, queue="mail")
    many(client, 1, queue="other", delay="1h")
    tabs = {tab["state"]: tab["jobs"] for tab in browser.json("/jobs")["tabs"]}
    assert (tabs["ready"], tabs["scheduled"], tabs["succeeded"]) == (3, 1, None)
    of_other = {tab["state"]: tab["jobs"] for tab in browser.json("/jobs?queue=other")["tabs"]}
    assert (of_other["ready"], of_other["scheduled"]) == (0, 1)


def test_arguments_are_searched_only_by_who_sees_them(open_as: Open, client: pgq.Client) -> None:
    job = client.enqueue("t", {"user": 7, "password": "s3cret"})
    assert open_as().get("/jobs?args.user=7").status_code == 400
    assert open_as().get("/jobs?headers.a=7").status_code == 400
    sees = open_as("see_args")
    assert ids(sees.json("/jobs?args.user=7")) == [job]
    for secret in ("args.password=s3cret", "args={}".format(json.dumps({"a": {"token": 1}}))):
        answer = sees.get(f"/jobs?{secret}")
        assert answer.status_code == 400 and "nobody may search by it" in answer.text


def test_other_queues_are_not_shown(open_as: Open, client: pgq.Client) -> None:
    mine, theirs = many(client, 1, queue="mail.in"), many(client, 1, queue="payments")
    browser = open_as(queues=("mail.*",))
    found = browser.json("/jobs")
    assert ids(found) == mine
    assert {tab["state"]: tab["jobs"] for tab in found["tabs"]}["ready"] == 1
    assert "payments" not in browser.get("/jobs").text
    assert browser.get(f"/jobs/{theirs[0]}").status_code == 404
    assert browser.get(f"/jobs/{mine[0]}").status_code == 200


def test_secrets_are_out_of_error_messages(browser: Browser, conn: psycopg.Connection) -> None:
    conn.execute("select pgq.enqueue('t', max_attempts => 1)")
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array['no: password=s3cret'])"
        " from pgq.claim_batch('{*}')"
    )
    answer = browser.get("/jobs?state=failed")
    assert "s3cret" not in answer.text and "password=[hidden]" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("order", ["", "&order=old"])
def test_jobs_of_others_do_not_shorten_a_page(
    order: str, open_as: Open, client: pgq.Client
) -> None:
    """Somebody who may see some queues gets full pages, and meets each of his jobs once."""
    mine: list[int] = []
    for queue, number in (("mail.a", 30), ("hidden", 300), ("mail.b", 30), ("hidden", 300)):
        made = many(client, number, queue=queue)
        mine += made if queue != "hidden" else []
    browser = open_as(queues=("mail.*", "other"))
    way = "newer" if order else "older"
    address, pages = f"/jobs?size=25{order}", []
    while address:
        found = browser.json(address)
        pages.append(ids(found))
        address = found["page"][way]
    assert [len(page) for page in pages if page] == [25, 25, 10]
    assert sorted(job for page in pages for job in page) == sorted(mine)
    assert len(ids(open_as(queues=("mail.a",)).json("/jobs?size=25"))) == 25


def test_a_column_of_what_jobs_carry(open_as: Open, dsn: str, client: pgq.Client) -> None:
    client.enqueue("send", {"user": {"id": 7, "token": "s3cret"}, "to": ["ann", "bob"]})
    client.enqueue("send", {"user": "password=s3cret"}, headers={"tenant": "acme"})

    def shown(browser: Browser, path: str) -> list[str | None]:
        found = browser.json("/jobs?" + urlencode({"show": path}))
        return [job["shown"] for job in found["page"]["jobs"]]

    browser = open_as("see_args")
    assert shown(browser, "args.user.id") == [None, "7"]
    assert shown(browser, "args.to.1") == [None, '"bob"']
    assert shown(browser, "headers.tenant") == ['"acme"', None]
    assert shown(browser, "result") == [None, None]
    assert "s3cret" not in browser.get("/jobs?show=args").text
    page = Page(browser.get("/jobs?show=args.user.id&size=25&order=old").text)
    assert page.faults == []
    assert "args.user.id" in " ".join(page.words)
    kept = [link for link in page.links if link.startswith("/jobs?") and "order=old" in link]
    assert kept and all("show=args.user.id" in link for link in kept)
    refused = {"args.user.token": "hidden", "nonsense": "say one of", "args.\0": "say one of"}
    for path, said in refused.items():
        answer = browser.get("/jobs?" + urlencode({"show": path}))
        assert (answer.status_code, said in answer.text) == (400, True)
    answer = open_as().get("/jobs?show=args.user.id")
    assert (answer.status_code, "may not see" in answer.text) == (400, True)
    hook = Redactor(hook=lambda _task, args: {"user": {"id": "x" if args else ""}})
    access = Access("me", {"see_args"})
    hooked = Dashboard(dsn, authorize=lambda _: access, redactor=hook)
    assert shown(Browser(hooked), "args.user.id") == ['"x"', '"x"']
    assert shown(Browser(hooked), "args.to") == [None, None]
    hooked.close()


def test_lists_with_a_name(dsn: str, client: pgq.Client) -> None:
    client.enqueue("t", queue="a&b")
    saved = {"broken <b>": "/pgq/jobs?state=failed&queue=a%26b&before=9", "old": "since=24h"}
    dashboard = Dashboard(dsn, saved=saved)
    page = Page(Browser(dashboard).get("/jobs").text)
    assert "/jobs?state=failed&queue=a%26b" in page.links
    assert page.faults == [] and "/jobs?since=1d" in page.links
    dashboard.close()
    for wrong in ({"x": ""}, {"x": "/jobs"}, {"x": "colour=red"}, {"": "state=failed"}):
        with pytest.raises(InvalidArgument):
            Dashboard(dsn, saved=wrong)
