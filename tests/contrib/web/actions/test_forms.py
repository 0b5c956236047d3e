"""Actions as browsers and programs send them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

import pgq
from pgq.contrib.web.access import ALL, Access, by_token
from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from tests.contrib.web.actions.world import MINE, SENT, World
from tests.contrib.web.conftest import Browser
from tests.contrib.web.hostile import NAMES
from tests.contrib.web.html import Page

ANN = Access("ann", ALL)
TOKEN = "a-token-for-programs"


class Site:
    """A dashboard, and who is looking at it."""

    def __init__(self, dsn: str, *, may_act: bool = True) -> None:
        self.access: Access | None = ANN
        operator = Operator(dsn, "pgq") if may_act else None
        self.dashboard = Dashboard(
            dsn, authorize=lambda _: self.access, operator=operator, secret="x"
        )
        self.browser = Browser(self.dashboard)

    def do(self, action: str, values: dict[str, Any], **headers: str) -> TestResponse:
        assert self.access is not None
        form = {"csrf_token": self.browser.token(self.access.user), **values}
        return self.browser.post(f"/do/{action}", form, **headers)

    def said(self, answer: TestResponse) -> dict[str, Any]:
        assert self.access is not None
        sealed = parse_qs(urlsplit(answer.headers["Location"]).query)["said"][0]
        found = self.dashboard.keeper.unseal(self.access.user, sealed)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def site(dsn: str) -> Iterator[Site]:
    made = Site(dsn)
    yield made
    made.dashboard.close()


@pytest.fixture
def world(client: pgq.Client) -> World:
    return World(client)


def audited(conn: psycopg.Connection) -> list[Any]:
    return conn.execute("select action, actor from pgq.audit order by id").fetchall()


def test_an_action_goes_back_to_where_it_came_from(
    site: Site, world: World, conn: psycopg.Connection
) -> None:
    back = "/queues?sort=lag&said=old"
    answer = site.do("pause_queue", {"queue": MINE, "duration": "10m", "back": back})
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert address.startswith("/queues?sort=lag&said=")
    assert "old" not in address
    said = site.said(answer)
    assert said["text"] == "Queue mail is paused for 10m."
    assert said["undo"] == ["resume_queue", {"queue": MINE}]
    page = site.browser.get(address).text
    assert "Queue mail is paused for 10m." in page
    assert ">Undo</button>" in page
    assert audited(conn) == [("pause_queue", "ann")]


def test_after_an_action_all_processes_show_what_it_changed(
    dsn: str, site: Site, client: pgq.Client
) -> None:
    client.enqueue("send", queue=MINE)
    other = Site(dsn)

    def status(site: Site, address: str = "/queues") -> str:
        (row,) = site.browser.json(address)["queues"]
        return str(row["status"])

    assert [status(each) for each in (site, other)] == ["no worker", "no worker"]
    address = site.do("pause_queue", {"queue": MINE, "back": "/queues"}).headers["Location"]
    assert [status(site), status(other, address)] == ["paused", "paused"]
    site.do("resume_queue", {"queue": MINE}, Accept="application/json")
    assert status(site) == "no worker"
    other.dashboard.close()


def test_a_form_that_was_refused_comes_back_as_it_was_filled_in(site: Site, world: World) -> None:
    given = {"task": "<send>", "args": "\n{'a': 1}\r\n", "delay": "soon"}
    answer = site.do("enqueue", given)
    assert (answer.status_code, answer.text.count("args is no JSON")) == (422, 1)
    page = Page(answer.text)
    assert page.faults == []
    assert 'value="&lt;send&gt;"' in answer.text
    assert 'spellcheck="false">\n\n{&#39;a&#39;: 1}' in answer.text
    job = world.failed(MINE)
    answer = site.do("enqueue_again", {"id": job, "queue": MINE, "priority": "high"})
    assert (answer.status_code, answer.text.count("priority is no whole number")) == (422, 1)
    assert 'value="high"' in answer.text
    assert site.do("enqueue_again", {"id": "x", "priority": 1}).status_code == 404


def test_what_another_says_is_not_shown(site: Site) -> None:
    site.access = Access("bob", ALL)
    address = site.do("pause_queue", {"queue": MINE}).headers["Location"]
    assert "Queue mail is paused" in site.browser.get(address).text
    site.access = ANN
    assert "Queue mail is paused" not in site.browser.get(address).text
    assert site.browser.get("/queues?said=Call+555.x").status_code == 200


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "evil",
     "javascript:alert(1)", "/\tx", "http:evil.example", ""],
)  # fmt: skip
def test_an_action_leads_to_no_other_site(site: Site, back: str) -> None:
    address = site.do("pause_queue", {"queue": MINE, "back": back}).headers["Location"]
    assert urlsplit(address)[:3] == ("", "", "/")


def test_below_a_prefix_it_stays_there(site: Site) -> None:
    for back, path in (("/pgq/queues", "/pgq/queues"), ("/admin", "/pgq/"), ("/pgqx", "/pgq/")):
        form = {"csrf_token": site.browser.token("ann"), "queue": MINE, "back": back}
        answer = site.browser._client.post(
            "/do/pause_queue", data=form, base_url="http://localhost/pgq",
            headers={"Sec-Fetch-Site": "same-origin", "Host": "localhost"},
        )  # fmt: skip
        assert urlsplit(answer.headers["Location"]).path == path


@pytest.mark.parametrize("name", ACTIONS)
def test_no_action_without_the_form_of_its_user(
    name: str, site: Site, world: World, conn: psycopg.Connection
) -> None:
    values = {**SENT[name](world, MINE), "confirmed": 1}
    before = audited(conn)
    ann, bob = site.browser.token("ann"), site.browser.token("bob")
    tried = [
        ({"csrf_token": ann}, {"Sec_Fetch_Site": "cross-site"}),
        ({"csrf_token": ann}, {"Sec_Fetch_Site": "same-site"}),
        ({"csrf_token": ann}, {"Sec_Fetch_Site": "none"}),
        ({"csrf_token": bob}, {}),
        ({"csrf_token": ""}, {}),
        ({"csrf_token": f"{ann}x"}, {}),
    ]
    for field, headers in tried:
        assert site.browser.post(f"/do/{name}", {**values, **field}, **headers).status_code == 403
    forged = {"Host": "localhost", "Origin": "http://evil.example"}
    sent = site.browser._client.post(
        f"/do/{name}", data={**values, "csrf_token": ann}, headers=forged
    )
    assert sent.status_code == 403
    rebound = {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}
    strict = Dashboard(
        site.dashboard._source._dsn, host_names=["pgq.example.com"], secret="x",
        authorize=lambda _: ANN, operator=site.dashboard._operator,
    )  # fmt: skip
    sent = Browser(strict)._client.post(
        f"/do/{name}", data={**values, "csrf_token": ann}, headers=rebound
    )
    assert sent.status_code == 400
    for get in (site.browser.get(f"/do/{name}"), site.browser.get(f"/do/{name}?confirmed=1")):
        assert get.status_code == 405
    site.access = None
    assert site.browser.post(f"/do/{name}", {**values, "csrf_token": ann}).status_code == 403
    assert audited(conn) == before


@pytest.mark.parametrize("name", ACTIONS)
def test_without_a_login_for_actions_there_is_none(name: str, dsn: str, world: World) -> None:
    site = Site(dsn, may_act=False)
    assert site.do(name, {**SENT[name](world, MINE), "confirmed": 1}).status_code == 403
    site.dashboard.close()


def test_an_unknown_action_is_not_found(site: Site) -> None:
    assert site.do("drop_everything", {}).status_code == 404


def test_a_program_needs_no_form(dsn: str, world: World) -> None:
    site = Site(dsn)
    dashboard = Dashboard(
        dsn, authorize=by_token(TOKEN, ANN), operator=Operator(dsn, "pgq"), secret="x"
    )
    headers = {
        "Host": "localhost",
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json",
    }
    send = Browser(dashboard)._client.post
    job = world.scheduled(MINE)
    answer = send("/do/cancel", data={"id": job}, headers=headers)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["question"] == "Cancel 1 job?"
    answer = send("/do/cancel", data={"id": job, "confirmed": 1}, headers=headers)
    assert answer.json == {
        "said": "1 cancelled.",
        "answer": {"cancelled": 1},
        "well": True,
        "undo": {"action": "retry", "values": {"id": [job], "confirmed": 1}},
    }
    answer = send("/do/cancel", data={"id": "x"}, headers=headers)
    assert answer.status_code == 422
    dashboard.close()
    site.dashboard.close()


Question = Callable[[Request], Access | None]


def form_of(page: str) -> tuple[str, dict[str, Any]]:
    """Return where the form of a question goes, and what it holds."""
    elements = Page(page).elements
    (start,) = [i for i, (tag, at) in enumerate(elements)
                if tag == "form" and "confirm" in at.get("class", "")]  # fmt: skip
    held: dict[str, Any] = {}
    for tag, at in elements[start + 1 :]:
        if tag == "form":
            break
        if tag == "input":
            held.setdefault(at["name"], []).append(at.get("value", ""))
    return elements[start][1]["action"], held


def test_a_question_is_answered_by_its_own_form(
    site: Site, world: World, client: pgq.Client
) -> None:
    jobs = [world.scheduled(MINE) for _ in range(3)]
    asked = site.do("discard", {"id": jobs, "back": "/queues"})
    assert asked.status_code == 200
    assert "Delete for good, in the history too, 3 jobs?" in asked.text
    assert client.estimate_jobs(queue=MINE).jobs == 3
    address, held = form_of(asked.text)
    answer = site.browser.post(address, held)
    assert site.said(answer)["text"] == "3 discarded."
    assert answer.headers["Location"].startswith("/queues?said=")
    assert client.estimate_jobs(queue=MINE).jobs == 0


def test_above_a_hundred_the_number_must_be_typed(
    site: Site, world: World, client: pgq.Client
) -> None:
    jobs = [world.scheduled(MINE) for _ in range(101)]
    address, held = form_of(site.do("discard", {"id": jobs}).text)
    assert "proof" in held
    for wrong in ("", "100", "all"):
        again = site.browser.post(address, {**held, "proof": wrong})
        assert "That was something else." in again.text
    assert client.estimate_jobs(queue=MINE).jobs == 101
    assert site.browser.post(address, {**held, "proof": " 101 "}).status_code == 303
    assert client.estimate_jobs(queue=MINE).jobs == 0


def test_a_queue_is_cleared_by_its_name(site: Site, client: pgq.Client) -> None:
    client.enqueue("send", queue=MINE)
    address, held = form_of(site.do("clear_queue", {"queue": MINE}).text)
    assert "That was something else" in site.browser.post(address, {**held, "proof": "x"}).text
    assert site.said(site.browser.post(address, {**held, "proof": MINE}))["text"] == (
        "Deleted 1 job of queue mail."
    )


def test_all_that_match_are_counted_first_and_can_be_undone(
    site: Site, world: World, client: pgq.Client
) -> None:
    failed = [world.failed(MINE) for _ in range(4)]
    world.failed("other")
    world.scheduled(MINE)
    asked = site.do("bulk_retry", {"filters": f"queue={MINE}", "back": f"/queues?queue={MINE}"})
    assert "Retry 4 jobs?" in asked.text
    assert "1 job more match" in asked.text
    assert f">{failed[0]}</a>" in asked.text or f"{failed[0]}," in asked.text
    later = world.failed(MINE)
    address, held = form_of(asked.text)
    answer = site.browser.post(address, {**held, "spread": "10m"})
    said = site.said(answer)
    assert said["text"] == "Retrying 4 jobs in 10 s."
    (operation,) = client.bulk_status()
    assert (operation.jobs, operation.highest_id, operation.actor) == (4, later - 1, "ann")
    assert operation.spread is not None
    name, values = said["undo"]
    assert site.said(site.do(name, values))["text"].startswith("Undone")
    assert [each.status for each in client.bulk_status()] == ["undone"]
    assert all(job is not None and job.state == "failed" for job in map(client.job, failed))


def test_filters_that_cannot_be_read_are_refused(site: Site, client: pgq.Client) -> None:
    for filters in ("queu=mail", "state=faild", "batch=x", "args=%7B"):
        answer = site.do("bulk_cancel", {"filters": filters, "confirmed": 1, "up_to_id": 9})
        assert not site.said(answer)["is_well"]
    answer = site.do("bulk_discard", {"filters": "queue=mail"})
    assert "Filter by one of these states" in site.said(answer)["text"]
    assert client.bulk_status() == []


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_come_back_as_they_are(name: str, site: Site, client: pgq.Client) -> None:
    """Through the hidden fields of a question, which a browser sends as it sends all texts."""
    client.enqueue("send", queue=name)
    sent = {"queue": name, "confirmed": 1}
    answer = site.do("pause_queue", sent)
    page = site.browser.get(answer.headers["Location"])
    assert Page(page.text).faults == []
    undo = site.said(answer)["undo"]
    assert undo == ["resume_queue", {"queue": name}]
    asked = site.do("clear_queue", {"queue": name})
    assert Page(asked.text).faults == []
    address, held = form_of(asked.text)
    as_sent = {
        field: [each.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
                for each in values]
        for field, values in held.items()
    }  # fmt: skip
    answer = site.browser.post(address, {**as_sent, "proof": name})
    assert site.said(answer)["is_well"], site.said(answer)
    assert client.estimate_jobs(queue=name).jobs == 0
