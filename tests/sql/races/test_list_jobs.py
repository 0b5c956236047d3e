"""list_jobs while jobs move from lane to lane: each is seen once, whatever page it is on."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg

from tests.conftest import Connect
from tests.sql.calls import claim, complete, enqueue_many, outcomes, rows, settle
from tests.sql.operate.test_list_jobs import listed, page

JOBS = 30


def move(conn: psycopg.Connection, ids: list[int], stop: threading.Event) -> None:
    """Send jobs from lane to lane, into the history and back."""
    while not stop.is_set():
        held = claim(conn, batch_size=10)
        settle(conn, "release_batch", held[:3])
        settle(conn, "snooze_batch", held[3:6], delays=["0 s"] * len(held[3:6]))
        settle(conn, "fail_batch", held[6:], final=[True] * len(held[6:]))
        rows(conn, "promote_due")
        outcomes(conn, "retry", *ids)


def test_every_page_shows_each_job_once(conn: psycopg.Connection, connect: Connect) -> None:
    """A page is of one snapshot. In pages of a few, no job comes twice and none is left out."""
    ids = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a", "max_attempts": 9}] * JOBS)]
    stop = threading.Event()
    moving = threading.Thread(target=move, args=(connect(), ids, stop))
    moving.start()
    seen: set[str] = set()
    try:
        for _ in range(40):
            jobs, looked_to = page(conn, page_size=1000)
            assert [job["id"] for job in jobs] == ids[::-1]
            assert looked_to is None
            seen.update(job["state"] for job in jobs)
            assert listed(conn, page_size=7) == ids[::-1]
            assert listed(conn, newest_first=False, page_size=1000, max_looked_at=11) == ids
    finally:
        stop.set()
        moving.join()
    assert {"ready", "running"} <= seen or len(seen) > 1


def test_a_job_that_commits_late_is_met_by_a_new_list(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """Its id is between those of others; who has passed it does not meet it any more."""
    (first, late, last) = (
        enqueue_many(each, {"task": "a"})[0][0] for each in (conn, other, conn)
    )  # fmt: skip
    jobs, looked_to = page(conn, page_size=1)
    assert [job["id"] for job in jobs] == [last]
    other.commit()
    assert listed(conn, before_id=looked_to) == [late, first]
    assert listed(conn) == [last, late, first]
    with suppress(IndexError):
        complete(conn, claim(conn)[0])
    assert len(listed(conn)) == 3
