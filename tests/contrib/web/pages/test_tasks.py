"""Tasks: where workers spend their time, and one of them over time."""

from __future__ import annotations

import json

import psycopg
import pytest

from pgq.contrib.web.pages.tasks import SIZE
from pgq.contrib.web.windows import WINDOWS
from tests.contrib.web.conftest import Browser
from tests.contrib.web.html import Page
from tests.contrib.web.pages.test_jobs import Open, open_as

__all__ = ["open_as"]


@pytest.fixture
def worked(conn: psycopg.Connection) -> None:
    """Three jobs of one task, of which one failed, and one of another task and queue."""
    for task, queue, number in (("send", "mail", 3), ("pay", "payments", 1)):
        conn.execute(
            "select pgq.enqueue(%s, queue => %s, max_attempts => 1) from generate_series(1, %s)",
            [task, queue, number],
        )
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array['x'])"
        " from pgq.claim_batch('{mail}', batch_size => 1)"
    )
    conn.execute(
        "select pgq.complete_batch(array[job_id], array[claim_id])"
        " from pgq.claim_batch('{*}', batch_size => 10)"
    )


def test_nothing_has_run(browser: Browser) -> None:
    assert "No job of any task has ended" in browser.get("/tasks").text
    for window in WINDOWS:
        found = browser.json(f"/task?name=send&window={window.name}")
        assert found["rows"] == [] and found["heat"] is None
        assert 2 <= len(found["ended"]["rows"]) <= 120
    assert browser.get("/task").status_code == 400


@pytest.mark.usefixtures("worked")
def test_shares_and_sorts(browser: Browser) -> None:
    rows = browser.json("/tasks?sort=ended")["list"]["rows"]
    assert [(row["task"], row["ended"], row["failed"]) for row in rows] == [
        ("send", 3, 1),
        ("pay", 1, 0),
    ]
    assert abs(rows[0]["failed_share"] - 1 / 3) < 1e-9
    assert abs(sum(row["time_share"] for row in rows) - 1) < 1e-9
    assert [row["task"] for row in browser.json("/tasks?sort=task")["list"]["rows"]] == [
        "pay",
        "send",
    ]
    assert [sum(row["ended_by_step"]) for row in rows] == [3, 1]
    assert [sum(row["failed_by_step"]) for row in rows] == [1, 0]
    assert 'aria-label="ended in the window: 3, 1 of them failed"' in browser.get("/tasks").text
    assert browser.get("/tasks?sort=nothing&window=nothing").status_code == 200


def test_pages(browser: Browser, conn: psycopg.Connection) -> None:
    number = 2 * SIZE + 3
    conn.execute("select pgq.enqueue(format('t%%s', n)) from generate_series(1, %s) as n", [number])
    conn.execute(
        "select pgq.complete_batch(array_agg(job_id), array_agg(claim_id))"
        " from pgq.claim_batch('{*}', batch_size => 1000)"
    )
    address: str | None = "/tasks?sort=task&window=1h"
    seen = []
    while address:
        shown = browser.json(address)["list"]
        assert (shown["first"], shown["of_all"]) == (len(seen) + 1, number)
        seen += [row["task"] for row in shown["rows"]]
        assert shown["last"] == len(seen)
        assert 'aria-label="ended in the window: 1' in browser.get(address).text
        address = shown["next"]
    assert seen == sorted(f"t{n}" for n in range(1, number + 1))
    assert browser.json("/tasks?page=999")["list"]["first"] == 2 * SIZE + 1
    for odd in ("0", "-1", "x", "²", "9" * 40):
        assert browser.json(f"/tasks?page={odd}")["list"]["first"] == 1
    assert "page=" not in browser.json("/tasks?page=2")["sorts"]["ended"]


@pytest.mark.usefixtures("worked")
@pytest.mark.parametrize("window", [window.name for window in WINDOWS])
def test_a_task_over_time(window: str, browser: Browser) -> None:
    found = browser.json(f"/task?name=send&queue=mail&window={window}")
    table = found["ended"]
    counted = {
        title: sum(float(row[n]) for row in table["rows"])
        for n, title in enumerate(table["titles"])
        if title in ("succeeded", "failed")
    }
    assert counted == {"succeeded": 2, "failed": 1}
    heat = found["heat"]["rows"]
    assert sum(int(cell) for row in heat for cell in row[1:]) == 3
    answer = browser.get(f"/task?name=send&window={window}")
    page = Page(answer.text)
    assert page.faults == [] and answer.text.count('<svg class="chart') == 3


def test_defaults_and_who_says_them(browser: Browser, conn: psycopg.Connection) -> None:
    assert browser.json("/task?name=other")["defaults"] == []
    assert "Nobody has named defaults" in browser.get("/task?name=other").text
    options = {"max_attempts": 3, "priority": 2, "concurrency_key": "<b>{id}</b>"}
    declared = {"task": "send", "options": options, "names": ["id"], "defaults": {}}
    conn.execute("select pgq.sync_tasks('mailer', %s)", [json.dumps([declared])])
    conn.execute("select pgq.configure_task('send', queue => 'mail', max_attempts => 9)")
    found = browser.json("/task?name=send")["defaults"]
    assert [tuple(each.values()) for each in found] == [
        ("concurrency_key", "<b>{id}</b>", "mailer", None),
        ("max_attempts", "9", "an operator", "3"),
        ("priority", "2", "mailer", None),
        ("queue", "mail", "an operator", None),
    ]
    shown = browser.get("/task?name=send").text
    assert "&lt;b&gt;{id}&lt;/b&gt;" in shown and Page(shown).faults == []


@pytest.mark.usefixtures("worked")
def test_defaults_of_tasks_of_other_queues_are_not_shown(
    open_as: Open, conn: psycopg.Connection
) -> None:
    conn.execute("select pgq.configure_task('send', queue => 'mail', priority => 3)")
    conn.execute("select pgq.configure_task('pay', queue => 'payments', priority => 4)")
    conn.execute("select pgq.configure_task('plain', priority => 5)")
    browser = open_as(queues=("mail",))
    shown = {
        name: len(browser.json(f"/task?name={name}")["defaults"])
        for name in ("send", "pay", "plain")
    }
    assert shown == {"send": 2, "pay": 0, "plain": 0}


@pytest.mark.usefixtures("worked")
def test_tasks_of_others_are_not_shown(open_as: Open) -> None:
    browser = open_as(queues=("mail",))
    assert [row["task"] for row in browser.json("/tasks")["list"]["rows"]] == ["send"]
    other = browser.json("/task?name=pay")
    assert (other["queue"], other["rows"]) == ("mail", [])
    assert browser.get("/task?name=pay&queue=payments").status_code == 404
    assert browser.get("/task?name=send&queue=mail").status_code == 200
