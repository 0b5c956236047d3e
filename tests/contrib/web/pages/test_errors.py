"""Errors as groups, and one of them."""

from __future__ import annotations

import psycopg

import pgq
from tests.contrib.web.conftest import Browser
from tests.contrib.web.html import Page
from tests.contrib.web.pages.test_jobs import Open, open_as
from tests.sql.statistics.counting import fold

__all__ = ["open_as"]


def fail(conn: psycopg.Connection, task: str, message: str, queue: str = "q") -> None:
    conn.execute("select pgq.enqueue(%s, queue => %s, max_attempts => 1)", [task, queue])
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array[%s], array['Bang'])"
        " from pgq.claim_batch('{*}')",
        [message],
    )


def test_nothing_has_failed(browser: Browser) -> None:
    assert "No attempt has failed in this window" in browser.get("/errors").text
    answer = browser.get("/error?fingerprint=0123456789abcdef")
    assert answer.status_code == 200 and "not ended an attempt for seven days" in answer.text
    assert browser.get("/error").status_code == 400


def test_groups_and_one_of_them(
    browser: Browser, client: pgq.Client, conn: psycopg.Connection
) -> None:
    client.add_mark("v1.42")
    for n in range(3):
        fail(conn, "send", f"no answer after {n} s, token=s3cret")
    fail(conn, "other", "another")
    fold(conn)
    groups = browser.json("/errors")["groups"]
    assert [(each["task"], each["attempts"], each["failed_jobs"]) for each in groups] == [
        ("send", 3, 3),
        ("other", 1, 1),
    ]
    assert groups[0]["new_since"] == "v1.42"
    assert len(groups[0]["by_hour"]) in (25, 26)  # a day, and the hour that has begun
    assert sum(groups[0]["by_hour"]) == 3
    assert 'aria-label="attempts by the hour: 3"' in browser.get("/errors").text
    assert len(browser.json("/errors?task=other&window=1h")["groups"]) == 1
    address = f"/error?fingerprint={groups[0]['fingerprint']}&task=send"
    page = Page(browser.get("/errors").text)
    assert address in page.links
    one = browser.json(address)
    assert one["group"]["tasks"] == ["send"] and one["group"]["failed_jobs"] == 3
    assert one["attempts"] == [["1h", 3], ["24h", 3], ["7d", 3]]
    assert len(one["jobs"]) == 3
    answer = browser.get(address)
    assert "s3cret" not in answer.text and Page(answer.text).faults == []


def test_the_overview_names_new_errors(browser: Browser, conn: psycopg.Connection) -> None:
    for n in range(5):
        fail(conn, f"t{n}", "boom")
    fold(conn)
    conn.execute("update pgq.stat_errors set first_seen = '-infinity' where task = 't0'")
    told = [each for each in browser.json("/")["notices"] if each["about"].startswith("new error")]
    assert [each["reason"] for each in told] == [
        *(f"Bang in t{n}: boom" for n in (1, 2, 3)),
        "1 more are new in the last hour",
    ]


def test_errors_of_others_are_not_shown(open_as: Open, conn: psycopg.Connection) -> None:
    fail(conn, "send", "x", queue="mail")
    fail(conn, "pay", "x", queue="payments")
    fold(conn)
    browser = open_as(queues=("mail",))
    assert [each["task"] for each in browser.json("/errors")["groups"]] == ["send"]
    assert open_as(queues=()).get("/errors").status_code == 404
    assert browser.get("/errors?queue=payments").status_code == 404
    assert [each["task"] for each in browser.json("/errors?queue=mail")["groups"]] == ["send"]
