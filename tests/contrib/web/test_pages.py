"""All pages, walked: on an empty database, and on one where every name attacks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from html import escape
from typing import Any

import pytest

import pgq
from pgq.contrib.web.access import Access
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.frame import Frame
from pgq.contrib.web.pages import found
from tests.contrib.web.conftest import Browser
from tests.contrib.web.hostile import LONG, NAMES, Hostile, make
from tests.contrib.web.html import Page
from tests.sources import CHECKOUT

# What a page is asked for, besides nothing, by its name in PAGES.
VISITS: dict[str, Callable[[Hostile], list[dict[str, Any]]]] = {
    "again": lambda made: [{"id": made.jobs[0]}],
    "audit": lambda made: [{}, {"about": made.queues[0], "since": "24h"}],
    "batch": lambda made: [{"id": made.batch}],
    "flow": lambda made: [{"id": job} for job in made.jobs],
    "operation": lambda made: [{"id": made.operation}],
    "schedule": lambda made: [{"name": name} for name in made.schedules],
    "schedules": lambda made: [{}, {"search": made.schedules[0]}],
    "worker": lambda made: [{"id": made.worker}],
    "queue": lambda made: [{"name": name} for name in made.queues],
    "job": lambda made: [{"id": job} for job in made.jobs],
    "content": lambda made: [{"id": made.jobs[0], "part": part} for part in ("args", "headers")],
    "error": lambda made: [{"fingerprint": each} for each in made.fingerprints],
    "task": lambda made: [{"name": name} for name in made.queues],
    # They lead elsewhere.
    "go": lambda _made: [],
    "j": lambda _made: [],
}
"""Pages whose path has parts, or that need an argument, must be here."""

READ = [page for page in found() if "GET" in page.methods]


def addresses(dashboard: Dashboard, made: Hostile | None = None) -> Iterator[str]:
    """Yield the address of each page with all that it can be asked for."""
    adapter = dashboard.routes.bind("localhost")
    for page in READ:
        if page.name not in VISITS:
            yield adapter.build(page.name)
        elif made is not None:
            for visit in VISITS[page.name](made):
                yield adapter.build(page.name, visit)


def test_every_page_of_an_empty_database(boss: Browser) -> None:
    for address in addresses(boss.dashboard):
        answer = boss.get(address)
        assert answer.status_code == 200, address
        assert Page(answer.text).faults == [], address
        assert boss.json(address)["title"], address


@pytest.mark.slow
def test_every_page_of_a_hostile_database(boss: Browser, client: pgq.Client) -> None:
    made = make(client)
    for address in addresses(boss.dashboard, made):
        answer = boss.get(address)
        assert answer.status_code == 200, (address, answer.text)
        page = Page(answer.text)
        assert page.faults == [], address
        for text in (*NAMES[:2], LONG[:20]):
            assert text not in answer.text, address
        assert escape("49") not in "".join(page.words).split() or "7 * 7" in answer.text
        assert json.dumps(boss.json(address)).isascii()


@pytest.mark.slow
def test_links_lead_to_pages(boss: Browser, client: pgq.Client) -> None:
    """Those of each page, two steps far, also to names that no path could hold."""
    made = make(client)
    seen: set[str] = set()
    for address in addresses(boss.dashboard, made):
        for link in Page(boss.get(address).text).links:
            if link.startswith(("#", "/static", "/choose", "/do", "/go")) or link in seen:
                continue
            seen.add(link)
            if len(seen) < 400:
                assert boss.get(link).status_code == 200, (address, link)


def test_every_page_is_fit_for_a_menu() -> None:
    names = [page.name for page in found()]
    assert len(names) == len({*names})
    keys = [page.key for page in found() if page.key]
    assert len(keys) == len({*keys})


def test_links_by_name_have_their_pages(browser: Browser) -> None:
    """A template or page names no page that there is not."""
    folder = CHECKOUT / "pgq" / "contrib" / "web"
    text = "\n".join(each.read_text() for kind in ("*.py", "*.html") for each in folder.rglob(kind))
    named = {*re.findall(r"""links\(["'](\w+)["']""", text)}
    named |= {*re.findall(r"\blinks\.(job|queue|task|schedule|worker)\(", text)}
    assert named - {page.name for page in found()} <= {"static"}


def test_pages_take_secrets_out_by_the_redactor_that_was_chosen() -> None:
    """One of their own would not hide what the installation hides."""
    pages = (CHECKOUT / "pgq" / "contrib" / "web" / "pages").glob("*.py")
    assert [page.name for page in pages if "Redactor" in page.read_text()] == []


def test_the_script_of_others_is_the_one_that_was_read() -> None:
    """htmx 4.0.1, as npm has it."""
    script = CHECKOUT / "pgq" / "contrib" / "web" / "static" / "htmx.min.js"
    assert sha256(script.read_bytes()).hexdigest() == (
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
    )


def test_what_has_not_changed_is_not_sent_again(browser: Browser) -> None:
    for address in ("/", "/queues"):
        first = browser.get(address, HX_Request="true")
        assert first.status_code == 200
        assert "<html" not in first.text
        assert first.text.lstrip().startswith('<div id="live"')
        again = browser.get(address, HX_Request="true", If_None_Match=first.headers["ETag"])
        assert (again.status_code, again.data) == (304, b"")


def test_a_name_that_is_none_is_refused(browser: Browser) -> None:
    assert browser.get("/nothing").status_code == 404
    assert browser.get("/static/x/../app.py").status_code == 404
    assert browser.get("/static/x/pgq.css").headers["Cache-Control"] == "no-store"


def test_static_files_are_kept_by_browsers(browser: Browser) -> None:
    page = Page(browser.get("/").text)
    files = [link for link in page.links if link.startswith("/static/")]
    assert len(files) == 4
    for each in files:
        answer = browser.get(each)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_mistake_in_a_page_says_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("s3cret")

    monkeypatch.setattr(Frame, "answer", broken)
    answer = browser.get("/")
    assert (answer.status_code, "s3cret" in answer.text) == (500, False)


def test_choices_are_kept_in_cookies_of_the_pages(browser: Browser) -> None:
    form = {"csrf_token": browser.token(), "theme": "dark", "every": "60", "back": "/queues?a=b"}
    answer = browser.post("/choose", form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queues?a=b")
    page = browser.get("/").text
    assert 'data-theme="dark"' in page
    assert 'data-every="60"' in page
    for back in ("https://evil.example/", "//evil.example", "/\\evil.example", ""):
        answer = browser.post("/choose", {**form, "back": back})
        assert answer.headers["Location"] == "/"
    assert browser.post("/choose", {"theme": "<b>"}).status_code == 403
    assert browser.post("/choose", {**form, "theme": "<b>"}).status_code == 303
    assert browser.post("/choose", form, Sec_Fetch_Site="cross-site").status_code == 403


@pytest.mark.slow
def test_who_may_see_some_queues_sees_no_other(dsn: str, client: pgq.Client) -> None:
    """Whatever page it is: that there is another queue cannot be read from it."""
    jobs: list[int] = []
    for queue in ("mail", "hidden-queue"):
        jobs.append(client.enqueue("t", queue=queue, unique_key=f"key-of-{queue}"))
        client.enqueue("t", queue=queue, concurrency_key=f"lock-of-{queue}", concurrency_limit=1)
        client.configure_queue(queue, max_running=1)
        client.pause_queue(queue)
    dashboard = Dashboard(dsn, authorize=lambda _: Access("some", queues=["mail"]))
    browser = Browser(dashboard)
    schedule = "hidden-queue schedule"
    client.schedule(schedule, "t", every=timedelta(hours=1), queue="hidden-queue")
    made = Hostile(
        queues=["mail", "hidden-queue"], jobs=jobs[1:], schedules=[schedule], fingerprints=["00"]
    )
    for address in addresses(dashboard, made):
        if "hidden-queue" in address:
            if "?name=" not in address:  # a search says again what was searched for
                continue
            if address.startswith("/task?"):  # a task of any name may be asked for
                assert browser.json(address)["rows"] == []
                continue
            assert browser.get(address).status_code in (403, 404), address
            continue
        for text in (
            browser.get(address).text,
            browser.get(address, Accept="application/json").text,
        ):
            assert "hidden-queue" not in text, address
            assert "lock-of-hidden" not in text, address
    answer = browser.get("/limits?unique_key=key-of-hidden-queue")
    assert "No job owns this key" in answer.text
    dashboard.close()


def test_queues_are_sorted_and_filtered_by_the_address(
    browser: Browser, client: pgq.Client
) -> None:
    for queue, jobs in (("mail", 3), ("mail.news", 1), ("images", 2)):
        for _ in range(jobs):
            client.enqueue("t", queue=queue)

    def shown(address: str) -> list[str]:
        return [row["queue"] for row in browser.json(address)["queues"]]

    assert shown("/queues?sort=ready") == ["mail", "images", "mail.news"]
    assert shown("/queues?sort=%2Bready") == ["mail.news", "images", "mail"]
    assert shown("/queues?sort=queue") == ["images", "mail", "mail.news"]
    assert shown("/queues?sort=-queue") == ["mail.news", "mail", "images"]
    assert shown("/queues?q=MAIL&sort=queue") == ["mail", "mail.news"]
    assert len(shown("/queues?sort=nonsense")) == 3
    page = browser.get("/queues?sort=ready")
    assert 'aria-sort="descending"' in page.text
    assert "sort=%2Bready" in page.text


def test_a_queue_says_how_it_is(browser: Browser, client: pgq.Client) -> None:
    client.enqueue("t", queue="a/b")
    client.pause_queue("a/b")
    found = browser.json("/queue?name=a%2Fb")
    assert (found["row"]["status"], found["row"]["ready"]) == ("paused", 1)
    assert [job["queue"] for job in found["waiting"]] == ["a/b"]
    client.resume_queue("a/b")
    assert browser.get("/queue").status_code == 400
    assert browser.get("/queue?name=%00").status_code == 400
    assert browser.get("/queue?name=nothing").status_code == 200


def test_schedules_say_their_timing_in_words(browser: Browser, client: pgq.Client) -> None:
    client.schedule("nightly", "t", cron="30 2 * * mon-fri")
    client.schedule("often", "t", every=timedelta(minutes=5))
    rows = browser.json("/schedules")["schedules"]["rows"]
    assert [row["words"] for row in rows] == ["at 02:30, Monday through Friday", None]
    assert "at 02:30, Monday through Friday" in browser.get("/schedule?name=nightly").text


def test_buttons_of_queues_are_for_who_may(dsn: str, client: pgq.Client) -> None:
    client.enqueue("t", queue="mail", unique_key="k", concurrency_key="c", concurrency_limit=1)
    worker = client.register_worker("w", ["*"])
    client.promote_due()
    assert client.claim_batch(["*"], worker)
    operator = Operator(dsn, "pgq")
    for rights, expected in (({"view"}, []), ({"pause"}, ["pause_queue"]), ("all", None)):
        access = Access("ada", rights)  # type: ignore[arg-type]
        dashboard = Dashboard(
            dsn, authorize=lambda _, access=access: access, operator=operator, secret="x" * 40
        )
        text = Browser(dashboard).get("/queue?name=mail").text
        text += Browser(dashboard).get("/limits?unique_key=k").text
        found = sorted({*re.findall(r'action="/do/(\w+)"', text)})
        if expected is None:
            assert {"clear_queue", "pause_queue", "release_semaphore"} < {*found}
        else:
            assert found == expected
        dashboard.close()
