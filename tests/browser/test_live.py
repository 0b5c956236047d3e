"""What stays as it was while a page looks again, and what keys do."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import pgq
from tests.browser.conftest import Window, refresh

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def enqueue(client: pgq.Client, number: int) -> list[int]:
    made = client.enqueue_many([pgq.NewJob("send", queue="mail")] * number)
    return [each.id for each in made]


def current(page: Page) -> str:
    return page.locator("tr.current th").inner_text()


def focused(page: Page) -> str:
    """Return what has the focus: its name for the eye or the reader."""
    found: str = page.evaluate(
        "(e => e.getAttribute('aria-label') || e.name || e.innerText || e.id)"
        "(document.activeElement)"
    )
    return found.strip()


def test_jobs_that_are_chosen_stay_chosen_while_others_come(
    window: Window, client: pgq.Client
) -> None:
    ids = enqueue(client, 5)
    page = window.open("/jobs?queue=mail", every=2)
    chosen = page.get_by_role("checkbox", name=f"Job {ids[2]}", exact=True)
    chosen.check()
    newer = enqueue(client, 3)
    # By itself it does not look again while something is chosen, but it does when it is told to.
    assert page.evaluate("new Promise(done => setTimeout(() => done(1), 3000))") == 1
    assert page.get_by_role("checkbox", name=f"Job {newer[0]}", exact=True).count() == 0
    refresh(page)
    assert page.get_by_role("checkbox", name=f"Job {newer[0]}", exact=True).count() == 1
    checked = page.locator("tbody input[data-select]:checked")
    assert [each.get_attribute("value") for each in checked.all()] == [f"{ids[2]}"]
    chosen.uncheck()
    enqueue(client, 1)
    page.locator("tbody tr").nth(8).wait_for()


def test_what_is_open_focused_and_scrolled_stays_so(window: Window, client: pgq.Client) -> None:
    (job,) = enqueue(client, 1)
    page = window.open(f"/jobs/{job}")
    page.set_viewport_size({"width": 1280, "height": 350})

    def seen(what: str) -> float:
        found = page.locator(what).bounding_box()
        assert found is not None
        return found["y"]

    copies, args = page.locator("details.copy"), page.locator("details.carried").first
    copies.locator("summary").click()
    args.locator("summary").click()
    page.get_by_role("button", name="Copy").last.focus()
    page.evaluate("scrollTo(0, 150)")
    seen_at = seen("dl.strip-facts")
    assert len(client.claim_batch(["mail"])) == 1
    refresh(page)
    assert page.locator(".big .state").inner_text() == "running"
    assert copies.get_attribute("open") is not None
    assert args.get_attribute("open") is None
    # Parts above have gone: what is in view stays where it is all the same.
    assert (focused(page), abs(seen("dl.strip-facts") - seen_at) < 2) == ("Copy", True)


def test_a_focused_box_keeps_the_focus_though_rows_move(window: Window, client: pgq.Client) -> None:
    ids = enqueue(client, 3)
    page = window.open("/jobs?queue=mail")
    page.get_by_role("checkbox", name=f"Job {ids[1]}", exact=True).focus()
    enqueue(client, 2)
    refresh(page)
    assert page.locator("tbody tr").count() == 5
    assert focused(page) == f"Job {ids[1]}"


def test_a_focused_button_stays_that_of_its_row(window: Window, client: pgq.Client) -> None:
    for name in ("b", "d"):
        client.schedule(name, "send", every=timedelta(days=1))
    page = window.open("/schedules")
    row = page.locator("tr", has=page.get_by_role("link", name="d", exact=True))
    row.get_by_role("button", name="Run now").focus()
    for name in ("a", "c"):
        client.schedule(name, "send", every=timedelta(days=1))
    refresh(page)
    assert page.locator("tbody tr").count() == 4
    page.keyboard.press("Enter")
    page.get_by_text("Schedule d runs now").wait_for()


def test_the_row_that_was_reached_by_keys_is_the_one_that_opens(
    window: Window, client: pgq.Client
) -> None:
    ids = enqueue(client, 4)
    page = window.open("/jobs?queue=mail")
    for key in "jjk":
        page.keyboard.press(key)
    assert current(page) == f"{ids[-1]}"
    page.keyboard.press("j")
    assert current(page) == f"{ids[-2]}"
    enqueue(client, 2)
    refresh(page)
    assert current(page) == f"{ids[-2]}"
    page.keyboard.press("x")
    box = page.get_by_role("checkbox", name=f"Job {ids[-2]}", exact=True)
    assert box.is_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{ids[-2]}")


def test_everything_by_keys(window: Window, client: pgq.Client) -> None:
    (job,) = enqueue(client, 1)
    page = window.open("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert focused(page).startswith("Overview")
    page.keyboard.press("Tab")
    inside = page.evaluate("document.activeElement.closest('main') !== null")
    assert inside, focused(page)
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/jobs")
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("?")
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("Escape")
    assert focused(page) != "q"
    page.keyboard.press("/")
    page.keyboard.type("queue:mail")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs?queue=mail")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{job}")
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Cancel 1 job?").wait_for()
    # From the question, one key leads to the yes.
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 cancelled.").wait_for()


def test_the_order_of_tabs_is_that_of_the_eye(window: Window, client: pgq.Client) -> None:
    enqueue(client, 3)
    page = window.open("/jobs?queue=mail")
    seen: list[tuple[float, str]] = []
    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(e => e === document.body ? null :"
            " [e.getBoundingClientRect().y + scrollY, e.closest('.top, .skip, .chosen') ? 1 : 0])"
            "(document.activeElement)"
        )
        if at is None:
            break
        if not at[1]:
            seen.append((at[0], focused(page)))
    ups = [pair for pair in pairwise(seen) if pair[1][0] < pair[0][0] - 60]
    assert ups == [], ups
    assert len(seen) > 15


def test_a_page_that_nobody_answers_says_so(window: Window, client: pgq.Client) -> None:
    enqueue(client, 1)
    page = window.open("/jobs", every=2)
    page.route("**/jobs", lambda route: route.abort())
    page.locator("body.stale").wait_for()
    assert page.locator("#updated").inner_text().startswith("Stale since")
    page.unroute("**/jobs")
    page.locator("body:not(.stale)").wait_for()
    window.faults.clear()


def test_the_job_that_a_flow_is_about_is_seen_in_it(window: Window, client: pgq.Client) -> None:
    parent = client.enqueue("fetch", queue="mail")
    child = client.enqueue("send", queue="mail", depends_on=[parent])
    page = window.open(f"/flows/{child}")
    nodes = page.locator("rect.node")
    assert [each.is_visible() for each in nodes.all()] == [True, True]
    page.get_by_role("link", name=f"{parent}").first.click()
    page.wait_for_url(f"**/jobs/{parent}")


def test_the_whole_menu_is_in_view_of_a_small_screen(window: Window) -> None:
    page = window.open("/")
    menu = page.locator(".menu")
    assert menu.evaluate("e => e.scrollWidth <= e.clientWidth")
