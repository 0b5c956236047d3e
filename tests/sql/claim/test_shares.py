"""Shares among a claim's queues: none starves, and none keeps what it does not need."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from tests.sql.calls import claim, enqueue_many, refused, register, rows, value


def fill(conn: psycopg.Connection, **jobs: int) -> None:
    for queue, count in jobs.items():
        enqueue_many(conn, *({"task": "t", "queue": queue} for _ in range(count)))


def served(
    conn: psycopg.Connection, queues: list[str], times: int, size: int, shares: list[int] | None
) -> Counter[str]:
    conn.execute("select setseed(0.5)")
    return Counter(
        held.queue
        for _ in range(times)
        for held in claim(conn, queues, batch_size=size, shares=shares)
    )


@pytest.mark.parametrize("size", [1, 4])
def test_each_comes_first_as_often_as_its_share_says(conn: psycopg.Connection, size: int) -> None:
    fill(conn, a=900, b=900, c1=450, c2=450)
    found = served(conn, ["a", "b", "c*"], 200, size, [6, 3, 1])
    counts = found["a"], found["b"], found["c1"] + found["c2"]
    assert sum(counts) == 200 * size
    for count, share in zip(counts, (0.6, 0.3, 0.1), strict=True):
        assert abs(count / sum(counts) - share) < 0.08


def test_without_shares_the_order_is_strict(conn: psycopg.Connection) -> None:
    fill(conn, a=100, b=100)
    assert served(conn, ["a", "b"], 50, 1, None) == {"a": 50}
    (held,) = rows(conn, "claim_batch", queues=["b"], shares=[7])
    assert held["queue"] == "b"


def test_what_one_does_not_fill_the_others_get(conn: psycopg.Connection) -> None:
    fill(conn, a=3, c=5)
    value(conn, "configure_queue", queue="c", max_running=4)
    found = claim(conn, ["a", "b", "c", "b*"], batch_size=10, shares=[1, 9000, 1, 3])
    assert Counter(held.queue for held in found) == {"a": 3, "c": 4}


def test_an_idle_worker_has_them_too(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    fill(conn, a=100, b=100)
    conn.execute("select setseed(0.5)")
    call = {"worker_id": worker_id, "queues": ["a", "b"], "shares": [1, 1]}
    found = Counter(rows(conn, "idle_turn", **call)[0]["queue"] for _ in range(60))
    assert min(found["a"], found["b"]) > 15


@pytest.mark.parametrize("shares", [[], [1], [1, 0], [1, 10_001], [1, None], [1, 1, 1]])
def test_what_is_refused(conn: psycopg.Connection, shares: list[int]) -> None:
    with refused("JQ002", "shares"):
        claim(conn, ["a", "b"], shares=shares)


def test_a_single_queue_needs_a_good_share_too(conn: psycopg.Connection) -> None:
    for shares in ([0], [1, 2]):
        with refused("JQ002", "shares"):
            claim(conn, ["a"], shares=shares)
