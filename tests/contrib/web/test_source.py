"""What pages cost, what they say where the database does not answer, and which server they read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgq
from pgq.contrib.web import source
from pgq.contrib.web.access import ALL, Access
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from pgq.schema import migrate
from tests.contrib.web.conftest import Browser
from tests.contrib.web.hostile import make
from tests.contrib.web.html import Page
from tests.contrib.web.test_pages import addresses
from tests.servers import Server, Target, start

VIEWERS = 50


def transactions(dsn: str, look: Callable[[Browser], None]) -> int:
    """Return how many transactions the server counts while somebody looks at a new dashboard."""
    with psycopg.connect(dsn, autocommit=True, application_name="counts") as conn:
        before = _counted(conn)
        dashboard = Dashboard(dsn)
        look(Browser(dashboard))
        dashboard.close()
        return _counted(conn) - before


def _counted(conn: psycopg.Connection) -> int:
    """Return what is counted when all sessions of pages have ended, which is when they tell it."""
    until = time.monotonic() + 30
    while conn.execute(
        "select from pg_stat_activity where application_name = 'pgq web'"
        " and datname = current_database()"
    ).fetchone():
        assert time.monotonic() < until
        time.sleep(0.05)
    row = conn.execute(
        "select xact_commit + xact_rollback from pg_stat_database"
        " where datname = current_database()"
    ).fetchone()
    assert row
    return int(row[0])


@pytest.mark.slow
def test_fifty_viewers_cost_what_one_costs(
    dsn: str, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow this machine is, they all look while one answer is fresh."""
    client.enqueue("t", queue="mail")
    monkeypatch.setattr(source, "_FRESH", 600.0)
    monkeypatch.setattr(source, "_SELDOM", {})
    monkeypatch.setattr(source, "_PATIENCE", 60.0)

    def look_at_once(browser: Browser) -> None:
        gate = threading.Barrier(VIEWERS)

        def look(_: int) -> int:
            gate.wait()
            return Browser(browser.dashboard).get("/").status_code

        with ThreadPoolExecutor(VIEWERS) as viewers:
            assert [*viewers.map(look, range(VIEWERS))] == [200] * VIEWERS

    def look_alone(browser: Browser) -> None:
        assert browser.get("/").status_code == 200

    one, many = transactions(dsn, look_alone), transactions(dsn, look_at_once)
    assert one > 5
    # Several sessions, which begin each by itself, take the place of one.
    assert many < one + VIEWERS


@pytest.mark.slow
def test_a_part_that_does_not_answer_says_so_and_the_rest_is_there(
    dsn: str, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.enqueue("t", queue="mail")
    begins = {
        "Something in the database is locked.": source._BEGIN,
        "The database took longer than 2 s, so it was stopped.": (
            b"begin read only; set local statement_timeout = 500"
        ),
    }
    with psycopg.connect(dsn) as locking:
        locking.execute("lock table pgq.stat_marks in access exclusive mode")
        for said, begin in begins.items():
            monkeypatch.setattr(source, "_BEGIN", begin)
            dashboard = Dashboard(dsn)
            browser = Browser(dashboard)
            answer = browser.get("/")
            page = Page(answer.text)
            assert (answer.status_code, page.faults) == (200, [])
            assert answer.text.count('class="trouble"') == 1
            assert said in answer.text
            assert "/queue?name=mail" in page.links
            assert browser.json("/")["ended"] == said
            dashboard.close()


@pytest.mark.slow
def test_every_page_of_a_standby(target: Target, private_server: Server) -> None:
    """They work, and offer nothing that would have to be written there."""
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    migrate.upgrade(private_server.dsn)
    with pgq.Client(private_server.dsn) as client:
        made = make(client)
    with (
        start(target, standby_of=private_server) as standby,  # type: ignore[arg-type]
        psycopg.connect(private_server.dsn, autocommit=True) as primary,
        psycopg.connect(standby.dsn, autocommit=True) as following,
    ):
        _catch_up(primary, following)
        everything = Access("local", ALL)
        dashboard = Dashboard(
            standby.dsn,
            authorize=lambda _: everything,
            operator=Operator(standby.dsn, "pgq"),
            secret="tests",
        )
        browser = Browser(dashboard)
        for address in addresses(dashboard, made):
            answer = browser.get(address)
            if address.startswith("/new") or address.endswith("/again"):
                assert answer.status_code == 403  # forms, for who may enqueue
                continue
            assert answer.status_code == 200, (address, answer.text)
            assert 'class="trouble"' not in answer.text, (address, answer.text)
            assert "Actions need the primary" in answer.text, address
            assert 'action="/do/' not in answer.text, address
        form = {"csrf_token": browser.token(), "queue": "mail"}
        assert browser.post("/do/pause_queue", form).status_code == 403
        dashboard.close()
        elsewhere = Dashboard(
            standby.dsn,
            authorize=lambda _: everything,
            operator=Operator(private_server.dsn, "pgq"),
            secret="tests",
        )
        assert 'action="/do/' in Browser(elsewhere).get("/queue?name=mail").text
        elsewhere.close()
    normal = Dashboard(make_conninfo(private_server.dsn))
    assert "Actions need the primary" not in Browser(normal).get("/").text
    normal.close()


def _catch_up(primary: psycopg.Connection, standby: psycopg.Connection) -> None:
    row = primary.execute("select pg_current_wal_lsn()").fetchone()
    assert row
    until = time.monotonic() + 30
    while standby.execute("select pg_last_wal_replay_lsn() < %s::pg_lsn", [row[0]]).fetchone() != (
        False,
    ):
        assert time.monotonic() < until
        time.sleep(0.05)
