"""What somebody does from one page to the next: forms, questions, undo, mistakes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import mock

import pytest

import pgq
from pgq.contrib.web import csrf
from tests.browser.conftest import ANSWERS_ARE_KEPT_MS, Window, refresh
from tests.contrib.web.actions.world import World
from tests.servers import Travel

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAILED = 30
# What a browser says on the console of an answer that is no page.
REFUSED = re.compile("Failed to load resource: the server responded with a status of 4")


def fail_jobs(client: pgq.Client, number: int = FAILED) -> None:
    """Fail so many jobs of the queue mail, and one of another."""
    client.enqueue_many([pgq.NewJob("send", queue="mail", max_attempts=1)] * number)
    client.enqueue("send", queue="billing", max_attempts=1)
    claimed = client.claim_batch(["*"], batch_size=1000)
    client.fail_batch(
        [job.job_id for job in claimed], [job.claim_id for job in claimed], ["no"] * len(claimed)
    )


def states(client: pgq.Client, queue: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for job in client.list_jobs(queue=queue, page_size=100).jobs:
        found[job.state] = found.get(job.state, 0) + 1
    return found


def filtered(page: Page, text: str) -> None:
    page.locator("[data-filter]").fill(text)
    page.get_by_role("button", name="Filter").click()


def take_all(page: Page) -> None:
    """Filter, ask for all that match, and say yes."""
    filtered(page, "state:failed queue:mail")
    page.get_by_role("button", name="Retry all").click()
    page.get_by_role("heading", level=1, name=f"Retry {FAILED} jobs?").wait_for()
    page.get_by_role("button", name="Retry all").click()
    page.get_by_text(f"Retrying {FAILED} jobs in 10 s.").wait_for()
    # The filters are as they were.
    assert page.locator("[data-filter]").input_value() == "state:failed queue:mail"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_all_that_match_are_retried_and_that_is_undone(
    window: Window, client: pgq.Client, travel: Travel, scripts: bool
) -> None:
    fail_jobs(client)
    page = window.open("/jobs", scripts=scripts)
    take_all(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text(re.compile(r"Undone: operation \d+ has changed nothing")).first.wait_for()
    travel("1 minute")
    client.maintain()
    assert states(client, "mail") == {"failed": FAILED}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_without_undo_the_page_of_the_operation_follows_it_to_its_end(
    window: Window, client: pgq.Client, travel: Travel, scripts: bool
) -> None:
    fail_jobs(client)
    page = window.open("/jobs", scripts=scripts)
    take_all(page)
    page.get_by_role("link", name="Show").click()
    done = page.get_by_role("progressbar")
    assert (done.get_attribute("value"), page.get_by_text("waiting").is_visible()) == ("0.0", True)
    travel("1 minute")
    client.maintain()
    if scripts:
        refresh(page)
    else:
        page.wait_for_timeout(ANSWERS_ARE_KEPT_MS)
        page.get_by_role("link", name="Refresh").click()
    assert float(done.get_attribute("value") or 0) == 1
    assert page.locator("h1 + .state").inner_text() == "finished"
    assert page.get_by_role("button", name="Stop").count() == 0
    assert (states(client, "mail"), states(client, "billing")) == (
        {"ready": FAILED},
        {"failed": 1},
    )


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_jobs_that_were_ticked_are_deleted_after_a_question(
    window: Window, client: pgq.Client, scripts: bool
) -> None:
    fail_jobs(client, 3)
    page = window.open("/jobs?queue=mail", scripts=scripts)
    ids = [
        int(each.get_attribute("value") or 0)
        for each in page.locator("tbody input[data-select]").all()
    ]
    for job_id in ids[:2]:
        page.get_by_role("checkbox", name=f"Job {job_id}", exact=True).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("heading", level=1, name="2 jobs?").wait_for()
    page.get_by_role("link", name="No, go back").click()
    assert states(client, "mail") == {"failed": 3}
    for job_id in ids[:2]:
        page.get_by_role("checkbox", name=f"Job {job_id}", exact=True).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("2 discarded.").wait_for()
    assert [job.id for job in client.list_jobs(queue="mail").jobs] == ids[2:]


def test_what_was_typed_wrong_stays_in_the_form_of_a_new_job(
    window: Window, client: pgq.Client
) -> None:
    page = window.open("/new")
    page.get_by_label("Task", exact=True).fill("send")
    page.get_by_label("Queue", exact=True).fill("mail")
    page.get_by_label("Arguments, as JSON").fill("{'user_id': 7}")
    page.get_by_label("Priority", exact=True).fill("3")
    page.get_by_role("button", name="Enqueue").click()
    assert "args is no JSON" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Arguments, as JSON").input_value() == "{'user_id': 7}"
    assert page.get_by_label("Priority", exact=True).input_value() == "3"
    page.get_by_label("Arguments, as JSON").fill('{"user_id": 7}')
    page.get_by_role("button", name="Enqueue").click()
    assert re.search(r"Job \d+ is enqueued", page.get_by_role("status").first.inner_text())
    (job,) = client.list_jobs().jobs
    assert (job.task, job.queue, job.priority) == ("send", "mail", 3)
    page.get_by_role("link", name="Show").click()
    page.get_by_role("heading", level=1, name=f"send {job.id}").wait_for()
    window.forgive(REFUSED)


def test_what_was_typed_wrong_stays_in_the_form_of_a_copy(
    window: Window, client: pgq.Client
) -> None:
    job = client.enqueue("send", {"user_id": 7}, queue="mail")
    page = window.open(f"/jobs/{job}")
    page.get_by_role("link", name="Enqueue again").click()
    page.get_by_label("Queue", exact=True).fill("later")
    page.get_by_label("Delay", exact=True).fill("soon")
    page.get_by_role("button", name="Enqueue the copy").click()
    assert "delay is no length of time" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Queue", exact=True).input_value() == "later"
    page.get_by_label("Delay", exact=True).fill("10m")
    page.get_by_role("button", name="Enqueue the copy").click()
    page.get_by_text(re.compile(rf"Job \d+ is a copy of job {job}")).first.wait_for()
    (copy,) = client.list_jobs(queue="later").jobs
    assert (copy.task, copy.state) == ("send", "scheduled")
    page.get_by_role("button", name="Undo").click()
    assert client.list_jobs(queue="later").jobs[0].state == "cancelled"
    window.forgive(REFUSED)


def test_a_queue_is_paused_and_goes_on(window: Window, client: pgq.Client) -> None:
    client.enqueue("send", queue="mail")
    page = window.open("/queue?name=mail")
    page.get_by_role("button", name="Pause 10 min").click()
    page.get_by_text("Queue mail is paused for 10m.").wait_for()
    page.locator(".state.q-paused").first.wait_for()
    assert client.claim_batch(["mail"]) == []
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("Queue mail goes on.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Queue mail is paused.").wait_for()
    page.get_by_role("button", name="Undo").click()
    assert len(client.claim_batch(["mail"])) == 1


def test_a_schedule_fires_now(window: Window, client: pgq.Client) -> None:
    client.schedule("nightly", "report", every=timedelta(days=1), queue="reports")
    page = window.open("/schedules")
    page.get_by_role("button", name="Run now").click()
    (job,) = client.list_jobs(queue="reports").jobs
    page.get_by_text(f"as job {job.id}").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("link", name="nightly").first.click()
    assert page.locator("h1 + .state").inner_text() == "paused"
    page.get_by_role("button", name="Resume").click()
    assert page.locator("h1 + .state").inner_text() == "active"


def test_a_form_that_is_too_old_leads_back_to_where_it_was(
    window: Window, client: pgq.Client
) -> None:
    client.enqueue("send", queue="mail")
    page = window.open("/queue?name=mail")
    with mock.patch.object(csrf, "_now", return_value=10**6):
        page.get_by_role("button", name="Pause", exact=True).click()
        page.get_by_role("heading", level=1, name="Forbidden").wait_for()
        assert "too old" in page.locator("main").inner_text()
        assert len(client.claim_batch(["mail"])) == 1
        page.get_by_role("link", name="Back to that page").click()
        page.get_by_role("button", name="Pause", exact=True).click()
        page.get_by_text("Queue mail is paused.").wait_for()
    window.forgive(REFUSED)


def test_clearing_a_queue_asks_for_its_name(window: Window, client: pgq.Client) -> None:
    World(client).scheduled("mail")
    client.enqueue("send", queue="mail")
    page = window.open("/queue?name=mail")
    page.get_by_text("Clear the queue").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_label("Type mail to go on").fill("mial")
    page.get_by_role("button", name="Clear", exact=True).click()
    assert "something else" in page.get_by_role("alert").inner_text()
    assert len(client.list_jobs(queue="mail").jobs) == 2
    page.get_by_label("Type mail to go on").fill("mail")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Deleted 1 job of queue mail.").wait_for()
