from __future__ import annotations

import psycopg
import pytest

from tests.servers import Server, Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    refused,
    rows,
    scalar,
    value,
)


def test_nothing_is_claimed_from_a_paused_queue(conn: psycopg.Connection) -> None:
    paused, other = enqueue(conn, queue="mail"), enqueue(conn, queue="other")
    assert value(conn, "pause_queue", queue="mail") in ("", None)
    assert claim(conn, ["mail"]) == []
    assert [held.job_id for held in claim(conn, ["mail", "mail*", "*"])] == [other]
    value(conn, "resume_queue", queue="mail")
    assert [held.job_id for held in claim(conn)] == [paused]


def test_running_jobs_finish_and_enqueueing_goes_on(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    value(conn, "pause_queue", queue="default")
    assert enqueue(conn)
    assert complete(conn, held) == ["ok"]


@pytest.mark.slow
def test_a_pause_may_end_by_itself(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    travel("9 minutes")
    assert claim(conn) == []
    travel("2 minutes")
    assert len(claim(conn)) == 1


def test_a_second_pause_sets_the_end(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    value(conn, "pause_queue", queue="default", duration="1 hour")
    travel("30 minutes")
    assert claim(conn) == []
    value(conn, "pause_queue", queue="default", duration=None)
    travel("1 year")
    assert claim(conn) == []


def test_it_costs_one_row_whatever_the_backlog(conn: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(conn)
    before = conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall()
    value(conn, "pause_queue", queue="default")
    assert conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall() == before
    assert scalar(conn, "select count(*) from pgq.queues") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"queue": None},
        {"queue": ""},
        {"queue": "q" * 129},
        {"queue": "q", "duration": "0"},
        {"queue": "q", "duration": "-1 minute"},
        {"queue": "q", "duration": "101 years"},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "pause_queue", **options)
    assert rows(conn, "verify") == []


def test_an_infinite_duration_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "duration"):
        value(conn, "pause_queue", queue="q", duration="infinity")
