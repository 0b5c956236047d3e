from __future__ import annotations

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Connect
from tests.sql.calls import (
    Row,
    buffers,
    claim,
    complete,
    enqueue,
    enqueue_many,
    refused,
    rows,
    scalar,
    value,
)


def listed(conn: psycopg.Connection, **options: object) -> list[Row]:
    return rows(conn, "list_semaphores", **options)


def test_it_shows_what_the_view_shows(conn: psycopg.Connection) -> None:
    for number in range(7):
        enqueue_many(
            conn,
            *[
                {
                    "task": "t",
                    "concurrency_key": f"key {number % 4}",
                    "concurrency_limit": 3,
                    "concurrency_weight": 1 + number % 2,
                    "concurrency_duration": "1 hour",
                }
            ]
            * number,
        )
    value(conn, "configure_semaphore", concurrency_key="key 1", max_slots=5)
    value(conn, "configure_semaphore", concurrency_key="unused", max_slots=2)
    value(conn, "configure_semaphore", concurrency_key="'; drop \" \\ \u202e", max_slots=0)
    rows(conn, "promote_due")
    with conn.cursor(row_factory=dict_row) as cursor:
        whole = cursor.execute("select * from pgq.semaphore_status").fetchall()
    assert len(whole) == 6 and sum(each["waiters"] for each in whole) > 5
    assert listed(conn) == whole
    paged, last = [], None
    while page := listed(conn, after_key=last, page_size=2):
        paged += page
        last = page[-1]["concurrency_key"]
    assert paged == whole
    for each in whole:
        assert listed(conn, of_key=each["concurrency_key"]) == [each]
    assert listed(conn, of_key="nobody's") == []


def test_waiters_are_counted_up_to_a_thousand(conn: psycopg.Connection) -> None:
    job = {"task": "t", "concurrency_key": "k", "concurrency_limit": 1}
    enqueue_many(conn, *[job] * 1100)
    assert [each["waiters"] for each in listed(conn)] == [1000]


def test_a_thousand_keys_cost_a_page_nothing(conn: psycopg.Connection) -> None:
    enqueue_many(
        conn,
        *[
            {"task": "t", "concurrency_key": f"{number:04}", "concurrency_limit": 1}
            for number in range(2000)
        ],
    )
    # The first call in a session reads the catalog, too.
    query = "select * from pgq.list_semaphores(page_size => 10)"
    assert min(buffers(conn, query) for _ in range(2)) < 250


def test_pages_out_of_range(conn: psycopg.Connection) -> None:
    enqueue(conn)
    for size in (0, 1001):
        with refused("JQ002", "page_size"):
            listed(conn, page_size=size)
    assert listed(conn, of_key=None, after_key=None, page_size=None) == []


@pytest.mark.newest
@pytest.mark.slow
def test_a_page_does_not_walk_over_what_marks_pass(
    conn: psycopg.Connection, connect: Connect
) -> None:
    """Beside a snapshot that keeps all rows that are gone; keys without a mark are found too."""
    value(conn, "configure_semaphore", concurrency_key="k3", max_slots=2)
    holder = connect()
    holder.execute("begin isolation level repeatable read")
    holder.execute("select from pgq.jobs")
    job = {"task": "t", "concurrency_limit": 5}
    for _ in range(80):
        enqueue_many(conn, *[{**job, "concurrency_key": f"k{n % 5}"} for n in range(50)])
        for _ in range(9):
            rows(conn, "promote_due")
            complete(conn, *claim(conn, batch_size=100))
    enqueue_many(conn, *[{**job, "concurrency_key": key} for key in ("a", "k1", "k22", "z")])
    assert scalar(conn, "select count(*) from pgq.key_marks")
    page = [(each["concurrency_key"], each["waiters"]) for each in listed(conn)]
    assert page == [("a", 1), ("k1", 1), ("k22", 1), ("k3", 0), ("z", 1)]
    query = "select * from pgq.list_semaphores()"
    assert min(buffers(conn, query) for _ in range(3)) < 400
    assert [each["concurrency_key"] for each in listed(conn, after_key="k1", page_size=2)] == [
        "k22",
        "k3",
    ]
