"""What a person sees and does: the pages in Chromium, with its policy, keys and widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pgq
from pgq.contrib.web.app import Dashboard
from tests.browser.conftest import Window
from tests.contrib.web.hostile import Hostile, make
from tests.contrib.web.test_pages import READ, VISITS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PHONE = 360
# Of the rules of axe, those that WCAG 2.2 AA asks for.
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}


@pytest.fixture
def made(client: pgq.Client) -> Hostile:
    return make(client)


@pytest.fixture
def walk(dsn: str, made: Hostile) -> list[str]:
    """The address of each page; with the first of what it can be asked for, a hostile name."""
    adapter = Dashboard(dsn).routes.bind("localhost")
    return [
        adapter.build(page.name, visit)
        for page in READ
        for visit in VISITS.get(page.name, lambda _: [{}])(made)[:1]
    ]


def violations(page: Page) -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    found = axe.Axe().run(page, options=RULES).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]


def test_the_rules_find_what_breaks_them(window: Window) -> None:
    page = window.open("/health")
    page.evaluate("document.body.append(document.createElement('textarea'))")
    assert [rule for rule, _ in violations(page)] == ["label"]


def test_no_page_breaks_the_policy_or_the_rules_of_access(window: Window, walk: list[str]) -> None:
    page = window.open(walk[0])
    found = {}
    for address in walk:
        page.goto(window.url + address)
        if wrong := violations(page):
            found[address] = wrong
    assert found == {}


def test_every_page_fits_a_phone_in_the_dark(window: Window, walk: list[str]) -> None:
    page = window.open(walk[0], width=PHONE, scheme="dark")
    wide, wrong = {}, {}
    for address in walk:
        page.goto(window.url + address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE:
            wide[address] = width
        if found := violations(page):
            wrong[address] = found
    assert (wide, wrong) == ({}, {})
