from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    value,
)
from tests.sql.conftest import Silence

Heard = Callable[[], list[int]]


@pytest.fixture
def heard(conn: psycopg.Connection, connect: Connect) -> Heard:
    """The jobs whose end was notified since the last call."""
    listener = connect()
    listener.execute("listen pgq_ended")

    def collect() -> list[int]:
        conn.execute("notify pgq_ended, 'end of the test'")
        ids: list[int] = []
        for note in listener.notifies(timeout=10):
            if note.payload == "end of the test":
                return ids
            ids.append(int(note.payload))
        raise AssertionError("the end was not heard")

    return collect


def await_jobs(conn: psycopg.Connection, *ids: int | None, **options: object) -> int:
    awaited: int = value(conn, "await_jobs", ids=list(ids), **options)
    return awaited


def test_only_awaited_jobs_are_told_when_they_end(conn: psycopg.Connection, heard: Heard) -> None:
    ids = [enqueue(conn) for _ in range(4)]
    assert await_jobs(conn, ids[1], ids[3]) == 2
    first, second, third, fourth = claim(conn)
    assert heard() == []
    complete(conn, first, second)
    assert heard() == [ids[1]]
    complete(conn, third)
    complete(conn, fourth)
    assert heard() == [ids[3]]
    assert scalar(conn, "select count(*) from pgq.awaited") == 0


@pytest.mark.parametrize("how", ["fail", "cancel", "discard", "clear_queue", "expire", "lost"])
def test_every_end_is_told(
    conn: psycopg.Connection, heard: Heard, travel: Travel, silence: Silence, how: str
) -> None:
    job_id = enqueue(conn, max_attempts=1, expires_in="1 minute")
    await_jobs(conn, job_id, timeout="1 day")
    if how == "fail":
        fail(conn, claim_one(conn))
    elif how == "clear_queue":
        value(conn, "clear_queue", queue="default")
    elif how == "expire":
        travel("1 hour")
        rows(conn, "maintain")
    elif how == "lost":
        claim_one(conn, worker_id=register(conn, lease="1 second"))
        silence("2 seconds")
        rows(conn, "maintain")
    else:
        outcomes(conn, how, job_id)
    assert heard() == [job_id]


def test_what_is_no_end_is_not_told(conn: psycopg.Connection, heard: Heard) -> None:
    job_id = enqueue(conn, backoff="0")
    await_jobs(conn, job_id)
    fail(conn, claim_one(conn))
    settle(conn, "release_batch", [claim_one(conn)])
    assert heard() == []
    complete(conn, claim_one(conn))
    assert heard() == [job_id]


def test_two_who_wait_are_told_once(conn: psycopg.Connection, heard: Heard) -> None:
    job_id = enqueue(conn)
    await_jobs(conn, job_id, job_id)
    await_jobs(conn, job_id)
    complete(conn, claim_one(conn))
    assert heard() == [job_id]
    assert scalar(conn, "select count(*) from pgq.awaited") == 0


def test_it_answers_how_many_live(conn: psycopg.Connection) -> None:
    ended, live = enqueue(conn), enqueue(conn)
    outcomes(conn, "cancel", ended)
    assert await_jobs(conn, ended, live, 999, None) == 1
    assert await_jobs(conn) == 0
    assert value(conn, "await_jobs", ids=None) == 0
    assert conn.execute("select job_id from pgq.awaited").fetchall() == [(live,)]


@pytest.mark.slow
@pytest.mark.parametrize("timeout", [None, "5 minutes"])
def test_who_gave_up_is_forgotten(
    conn: psycopg.Connection, heard: Heard, travel: Travel, timeout: str | None
) -> None:
    await_jobs(conn, enqueue(conn), timeout=timeout)
    for minutes, left in ((4, 1), (7, 0)):
        travel(f"{minutes} minutes")
        rows(conn, "maintain")
        assert scalar(conn, "select count(*) from pgq.awaited") == left
    complete(conn, claim_one(conn))
    assert heard() == []


def test_nobody_is_told_where_notifications_are_off(conn: psycopg.Connection, heard: Heard) -> None:
    value(conn, "configure", notify=False)
    await_jobs(conn, enqueue(conn))
    complete(conn, claim_one(conn))
    assert heard() == []
    assert scalar(conn, "select count(*) from pgq.awaited") == 0


@pytest.mark.parametrize("timeout", ["-1 s", "2 days"])
def test_a_bad_timeout_is_refused(conn: psycopg.Connection, timeout: str) -> None:
    with refused("JQ002", "timeout"):
        await_jobs(conn, 1, timeout=timeout)
