"""Every page at every level of access: what one may not see is neither there nor linked to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

import pgq
from pgq.contrib.web.access import ALL, READ, RIGHTS, Access, rights
from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.pages import found
from tests.contrib.web.conftest import Browser
from tests.contrib.web.hostile import Hostile
from tests.contrib.web.test_pages import VISITS

PAGES = [page for page in found() if "GET" in page.methods]
OURS, THEIRS = "ours-queue", "theirs-queue"
LEVELS: dict[str, Access | None] = {
    "nobody": None,
    "reads": Access("ann", READ),
    **{f"one right: {right}": Access("ann", rights([right])) for right in RIGHTS},
    "all": Access("ann", ALL),
    "all of one queue": Access("ann", ALL, (OURS,)),
    "all of no queue": Access("ann", ALL, ()),
}


def fill(client: pgq.Client, queue: str) -> Hostile:
    """Make something of each kind in one queue, whose name is in all that it has."""
    made = Hostile(queues=[queue], schedules=[f"{queue} schedule"])
    made.worker = client.register_worker(
        f"{queue} worker", [queue], concurrency=9, lease=timedelta(hours=1)
    )
    for _ in range(6):
        made.jobs.append(
            client.enqueue(
                f"{queue}.task", {queue: queue}, queue=queue, max_attempts=1, headers={queue: queue}
            )
        )
    made.jobs.append(client.enqueue(f"{queue}.task", queue=queue, delay=timedelta(hours=1)))
    first, second, *_ = client.claim_batch([queue], made.worker, 4)
    client.fail_batch([first.job_id], [first.claim_id], [f"{queue} failed"], [f"{queue}Error"])
    client.complete_batch([second.job_id], [second.claim_id])
    client.schedule(made.schedules[0], f"{queue}.task", every=timedelta(hours=1), queue=queue)
    client.run_schedule_now(made.schedules[0])
    client.pause_queue(queue)
    client.configure_queue(queue, max_running=3)
    made.operation = client.bulk_start("retry", queue=queue).id or 0
    client.maintain()
    made.fingerprints = [group.fingerprint for group in client.error_groups(queue=queue)]
    return made


@contextmanager
def looking(dsn: str, access: Access | None, *, may_act: bool = True) -> Iterator[Browser]:
    operator = Operator(dsn, "pgq") if may_act else None
    dashboard = Dashboard(dsn, authorize=lambda _: access, operator=operator, secret="tests")
    try:
        yield Browser(dashboard)
    finally:
        dashboard.close()


def addresses(browser: Browser, made: Hostile) -> Iterator[tuple[str, str]]:
    """Yield each page's name with each address of it."""
    adapter = browser.dashboard.routes.bind("localhost")
    for page in PAGES:
        for visit in VISITS.get(page.name, lambda _: [{}])(made):
            yield page.name, adapter.build(page.name, visit)


def buttons(browser: Browser, address: str) -> set[str]:
    return {*re.findall(r'action="/do/(\w+)"', browser.get(address).text)}


@pytest.mark.slow
def test_each_page_at_each_level_of_access(dsn: str, client: pgq.Client) -> None:
    made = fill(client, OURS)
    made.batch = client.create_batch()
    by_name = {page.name: page for page in PAGES}
    for level, access in LEVELS.items():
        with looking(dsn, access) as browser:
            for name, address in addresses(browser, made):
                status = browser.get(address).status_code
                if access is None or not by_name[name].is_for(access):
                    assert status == 403, (level, address)
                elif access.queues is None:
                    assert status == 200, (level, address)
                else:
                    assert status in (200, 200 if access.queues else 404), (level, address)


@pytest.mark.slow
def test_no_page_tells_of_queues_that_are_not_ones_own(dsn: str, client: pgq.Client) -> None:
    ours, theirs = fill(client, OURS), fill(client, THEIRS)
    told: set[str] = set()
    # What was asked for may be said again, such as the name to search for; not what is found.
    found_by = [f"{THEIRS}.task", f"{THEIRS}Error", f"{THEIRS} worker", f"{THEIRS} failed"]
    with looking(dsn, Access("ann", ALL, (OURS,))) as browser:
        for made, signs in ((ours, [THEIRS]), (theirs, found_by)):
            for name, address in addresses(browser, made):
                for accept in ("text/html", "application/json"):
                    text = browser.get(address, Accept=accept).text
                    told |= {f"{name}: {sign}" for sign in signs if sign in text}
    assert told == set()


@pytest.mark.slow
def test_buttons_are_there_with_the_right_alone(dsn: str, client: pgq.Client) -> None:
    """And none of them where there is no login for actions."""
    ours, theirs = fill(client, OURS), fill(client, THEIRS)
    ours.batch = theirs.batch = client.create_batch()
    seen: set[str] = set()
    for level in ("reads", "one right: retry", "one right: schedules", "all", "all of one queue"):
        access = LEVELS[level]
        assert access is not None
        with looking(dsn, access) as browser:
            for made in (ours,) if access.queues is None else (ours, theirs):
                for name, address in addresses(browser, made):
                    found = buttons(browser, address)
                    seen |= found
                    for button in found - {"bulk_stop"}:
                        assert ACTIONS[button].right in access.may, (level, name, button)
                        is_whole = access.queues is None
                        assert ACTIONS[button].own_queues or is_whole, (level, name, button)
    with looking(dsn, LEVELS["all"], may_act=False) as closed:
        for name, address in addresses(closed, ours):
            assert buttons(closed, address) == set(), name
    # So that the test does not look at pages without any.
    assert len(seen) > 12
