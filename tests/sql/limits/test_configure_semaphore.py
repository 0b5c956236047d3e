from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim, claim_one, complete, refused, scalar, value
from tests.sql.limits.semaphores import holders, keyed, promote, status


def configure(conn: psycopg.Connection, max_slots: int | None, key: str | None = "k") -> None:
    value(conn, "configure_semaphore", concurrency_key=key, max_slots=max_slots)


def test_it_goes_before_what_jobs_bring_along(conn: psycopg.Connection) -> None:
    configure(conn, 2)
    made = [keyed(conn, limit=limit) for limit in (1, 5, 5)]
    promote(conn)
    assert holders(conn) == made[:2]


@pytest.mark.slow
def test_raised_while_jobs_wait(conn: psycopg.Connection) -> None:
    made = [keyed(conn) for _ in range(4)]
    promote(conn)
    configure(conn, 3)
    assert holders(conn) == made[:1]
    promote(conn)
    assert holders(conn) == made[:3]


def test_lowered_while_jobs_hold_more(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=4) for _ in range(6)]
    promote(conn)
    held = claim(conn)
    configure(conn, 2)
    promote(conn)
    assert holders(conn) == made[:4]
    complete(conn, *held[:2])
    assert holders(conn) == made[2:4]
    complete(conn, held[2])
    assert holders(conn) == made[3:5]


def test_zero_stops_it_and_null_leaves_it_to_the_jobs(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=2) for _ in range(4)]
    promote(conn)
    held = claim(conn)
    configure(conn, 0)
    complete(conn, *held)
    promote(conn)
    assert holders(conn) == []
    found = status(conn)
    assert found and (found["max_slots"], found["configured"], found["waiters"]) == (0, True, 2)
    configure(conn, None)
    promote(conn)
    assert holders(conn) == made[2:]
    found = status(conn)
    assert found and (found["max_slots"], found["configured"]) == (2, False)


def test_it_outlives_the_jobs(conn: psycopg.Connection) -> None:
    configure(conn, 1)
    keyed(conn, limit=9)
    promote(conn)
    complete(conn, claim_one(conn))
    made = [keyed(conn, limit=9) for _ in range(2)]
    promote(conn)
    assert holders(conn) == made[:1]


@pytest.mark.slow
def test_twice_and_of_nobody(conn: psycopg.Connection) -> None:
    for max_slots in (1, 1, 3, None, None, 1_000_000):
        configure(conn, max_slots)
        promote(conn)
    assert scalar(conn, "select count(*) from pgq.releases") == 0
    found = status(conn)
    assert found and (found["max_slots"], found["holders"], found["waiters"]) == (1_000_000, 0, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency_key": None, "max_slots": 1},
        {"concurrency_key": "", "max_slots": 1},
        {"concurrency_key": "k" * 513, "max_slots": 1},
        {"concurrency_key": "k", "max_slots": -1},
        {"concurrency_key": "k", "max_slots": 1_000_001},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    with refused("JQ002", "concurrency_key is empty or too long, or max_slots is out of range"):
        value(conn, "configure_semaphore", **options)
    assert scalar(conn, "select count(*) from pgq.semaphores") == 0
