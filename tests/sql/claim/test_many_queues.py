"""A claim over many queues takes the best of all of them, however they are spread."""

from __future__ import annotations

import random

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import Row, claim, enqueue_many, value

BEST_FIRST = "select job_id from pgq.ready {} order by priority, ready_xid, job_id"

# What maintain() notes when dead rows pile up: nothing is left below a queue's first row.
MARK = """\
insert into pgq.ready_marks (queue, priority, ready_xid, job_id)
select distinct on (queue, priority) queue, priority, ready_xid, job_id
from pgq.ready
order by queue, priority, ready_xid, job_id"""


def best_first(conn: psycopg.Connection, where: str = "") -> list[int]:
    """Return what claims should take, in this order: a sort, not a walk."""
    return [row[0] for row in conn.execute(BEST_FIRST.format(where).encode())]


def claimed(conn: psycopg.Connection, size: int, *queues: str, **options: object) -> set[int]:
    return {held.job_id for held in claim(conn, queues or ("*",), size, **options)}


def some_jobs(seed: int, number: int) -> list[Row]:
    """Return jobs of queues that hold few or many, at one priority or at several."""
    rng = random.Random(seed)
    queues = [(f"q{place}", rng.choice((0.1, 1, 8)), rng.randint(0, 3)) for place in range(50)]
    weights = [weight for _, weight, _ in queues]
    return [
        {
            "task": rng.choice(("known", "known", "unknown")),
            "queue": name,
            "priority": rng.randint(-most, most),
            **({"expires_in": "1 minute"} if rng.random() < 0.2 else {}),
        }
        for name, _, most in rng.choices(queues, weights, k=number)
    ]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_all_in_exact_order(
    conn: psycopg.Connection, travel: Travel, seed: int, marked: bool
) -> None:
    for part in range(4):
        enqueue_many(conn, *some_jobs(10 * seed + part, 150))
    travel("2 minutes")
    if marked:
        conn.execute(MARK.encode())
    expected = best_first(conn, "where task = 'known' and expires_at is null")
    assert len(expected) > 250
    for size in (1, 2, 3, 30, 60, 90, 7, 500):
        best, expected = expected[:size], expected[size:]
        assert claimed(conn, size, tasks=["known"]) == set(best), size
    assert expected == [] and claimed(conn, 10, tasks=["known"]) == set()
    others = best_first(conn, "where task = 'unknown' and expires_at is null")
    assert claimed(conn, 1000, tasks=["unknown"]) == set(others)


@pytest.mark.slow
def test_a_prefix_takes_the_best_of_its_queues(conn: psycopg.Connection) -> None:
    enqueue_many(conn, *some_jobs(5, 300))
    expected = best_first(conn, "where queue like 'q1%'")
    assert claimed(conn, 20, "q1*") == set(expected[:20])
    assert claimed(conn, 300, "q1*", "q4*") >= set(expected[20:])


@pytest.mark.parametrize("marked", [False, True])
def test_one_deep_queue_among_shallow_ones(conn: psycopg.Connection, marked: bool) -> None:
    """Its share is far more than the first look at each queue finds."""
    shallow = [{"task": "a", "queue": f"s{place}", "priority": 5} for place in range(100)]
    deep = [{"task": "a", "queue": "deep"} for _ in range(300)]
    medium = [{"task": "a", "queue": f"m{place % 3}", "priority": 1} for place in range(90)]
    enqueue_many(conn, *shallow, *deep, *medium)
    if marked:
        conn.execute(MARK.encode())
    expected = best_first(conn)
    for size in (120, 200, 60, 110):
        best, expected = expected[:size], expected[size:]
        assert claimed(conn, size) == set(best), size
    assert expected == []


def test_limited_queues_among_others(conn: psycopg.Connection) -> None:
    """What they do not give goes to the best of the rest, limited ones with room included."""
    for name, running in (("full", 0), ("two", 2), ("ten", 10)):
        value(conn, "configure_queue", queue=name, max_running=running)
    names = ("full", "full", "two", "ten", "x", "y", "z")
    jobs = [
        {"task": "a", "queue": name, "priority": priority}
        for priority in range(4)
        for name in names
    ]
    enqueue_many(conn, *jobs)
    # By priority: two of `two` in all, nothing of `full`, all of the others.
    two = best_first(conn, "where queue = 'two'")[:2]
    expected = [
        job_id
        for job_id in best_first(conn, "where queue <> 'full'")
        if job_id in two or job_id not in best_first(conn, "where queue = 'two'")
    ]
    for size in (1, 1, 4, 5, 50):
        best, expected = expected[:size], expected[size:]
        assert claimed(conn, size) == set(best), size
    assert expected == []


@pytest.mark.slow
def test_selectors_in_their_order_over_many_queues(conn: psycopg.Connection) -> None:
    enqueue_many(conn, *some_jobs(9, 200))
    first = best_first(conn, "where queue like 'q2%'")
    rest = best_first(conn, "where queue not like 'q2%'")
    held = [one.job_id for one in claim(conn, ["q2*", "*"], len(first) + 20)]
    assert set(held[: len(first)]) == set(first)
    assert set(held[len(first) :]) == set(rest[:20])


@pytest.mark.slow
def test_a_paused_queue_is_left_out(conn: psycopg.Connection) -> None:
    enqueue_many(conn, *some_jobs(7, 100))
    value(conn, "pause_queue", queue="q7")
    expected = best_first(conn, "where queue <> 'q7'")
    assert claimed(conn, 100) == set(expected)
