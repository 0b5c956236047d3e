from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    job,
    refused,
    register,
    rows,
    scalar,
    state,
    value,
)


def claimed_ids(conn: psycopg.Connection, *queues: str, size: int = 100) -> list[int]:
    return [held.job_id for held in claim(conn, queues, size)]


@pytest.mark.slow
def test_a_claim_hands_out_the_job(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    job_id = enqueue(
        conn,
        "email",
        queue="mail",
        args='{"a": [1]}',
        headers='{"h": 1}',
        timeout="90 s",
        max_attempts=3,
    )
    held = claim_one(conn, worker_id=worker_id)
    assert held.job_id == job_id and held.claim_id > 0
    assert (held.queue, held.task, held.args) == ("mail", "email", {"a": [1]})
    assert (held.headers, held.attempt, held.max_attempts) == ({"h": 1}, 1, 3)
    assert held.timeout == timedelta(seconds=90)
    found = job(conn, job_id)
    assert (found["state"], found["worker_id"], found["attempt"]) == ("running", worker_id, 1)
    assert found["claimed_at"] >= found["ready_at"]


@pytest.mark.slow
def test_a_job_is_claimed_once(conn: psycopg.Connection) -> None:
    enqueue(conn)
    assert len(claim(conn)) == 1
    assert claim(conn) == []


def test_one_is_the_default_batch(conn: psycopg.Connection) -> None:
    enqueue(conn)
    enqueue(conn)
    assert len(rows(conn, "claim_batch", queues=["*"])) == 1
    assert len(rows(conn, "claim_batch", queues=["*"], batch_size=None, tasks=None)) == 1


def test_lower_priority_runs_first_then_older(conn: psycopg.Connection) -> None:
    late, early, best = (enqueue(conn, priority=priority) for priority in (5, 5, -1))
    assert claimed_ids(conn, "default") == [best, late, early]


def test_the_batch_is_the_best_of_the_queue(conn: psycopg.Connection) -> None:
    ids = {priority: enqueue(conn, priority=priority) for priority in (4, 1, 3, 2, 0)}
    assert claimed_ids(conn, "default", size=2) == [ids[0], ids[1]]
    assert claimed_ids(conn, "default", size=2) == [ids[2], ids[3]]
    assert claimed_ids(conn, "default", size=2) == [ids[4]]


def test_selectors_in_the_order_given(conn: psycopg.Connection) -> None:
    a, b, c = (enqueue(conn, queue=queue) for queue in ("a", "b", "c"))
    assert claimed_ids(conn, "b", "a", size=1) == [b]
    assert claimed_ids(conn, "b", "c", "a") == [c, a]


def test_an_earlier_selector_wins_over_priority(conn: psycopg.Connection) -> None:
    low = enqueue(conn, queue="first", priority=9)
    high = enqueue(conn, queue="second", priority=0)
    assert claimed_ids(conn, "first", "*") == [low, high]


def test_a_prefix_means_all_queues_that_begin_so(conn: psycopg.Connection) -> None:
    jobs = {name: enqueue(conn, queue=name) for name in ("mail", "mail-eu", "mai", "Mail", "x")}
    found = claimed_ids(conn, "mail*")
    assert sorted(found) == sorted([jobs["mail"], jobs["mail-eu"]])
    assert len(claimed_ids(conn, "*")) == 3


def test_a_prefix_takes_no_pattern_literally(conn: psycopg.Connection) -> None:
    percent = enqueue(conn, queue="100%_a")
    enqueue(conn, queue="100xya")
    assert claimed_ids(conn, "100%_*") == [percent]


@pytest.mark.slow
def test_one_selector_is_best_first_across_its_queues(conn: psycopg.Connection) -> None:
    worse = enqueue(conn, queue="a", priority=5)
    better = enqueue(conn, queue="b", priority=0)
    middle = enqueue(conn, queue="c", priority=3)
    assert claimed_ids(conn, "*", size=1) == [better]
    assert claimed_ids(conn, "*") == [middle, worse]


def test_a_queue_that_is_named_twice_counts_once(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, queue="a")
    assert claimed_ids(conn, "a", "a*", "*", "a") == [job_id]


def test_only_known_tasks(conn: psycopg.Connection) -> None:
    unknown = enqueue(conn, "unknown")
    known = enqueue(conn, "known")
    assert [held.job_id for held in claim(conn, tasks=["known", "other"])] == [known]
    assert claim(conn, tasks=[]) == []
    assert claim(conn, tasks=[None]) == []
    assert state(conn, unknown) == "ready"
    assert [held.job_id for held in claim(conn)] == [unknown]


def test_known_tasks_across_queues(conn: psycopg.Connection) -> None:
    for queue in ("a", "b", "c"):
        enqueue(conn, "unknown", queue=queue)
        enqueue(conn, "known", queue=queue)
    assert {held.queue for held in claim(conn, batch_size=3, tasks=["known"])} == {"a", "b", "c"}


def test_an_expired_job_is_passed_over(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, expires_in="1 minute")
    keeps = enqueue(conn, expires_in="1 hour")
    travel("2 minutes")
    assert claimed_ids(conn, "*") == [keeps]


def test_a_scheduled_job_is_not_claimed(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, delay="1 minute")
    travel("2 minutes")
    assert claimed_ids(conn, "*") == []


def test_many_queues_and_more_jobs_than_asked_for(conn: psycopg.Connection) -> None:
    for number in range(30):
        enqueue(conn, queue=f"q{number % 7}", priority=number % 4)
    sizes = [len(claim(conn, batch_size=8)) for _ in range(5)]
    assert sizes == [8, 8, 8, 6, 0]


def test_a_rolled_back_claim_leaves_the_job_ready(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    with conn.transaction(force_rollback=True):
        assert len(claim(conn)) == 1
    assert state(conn, job_id) == "ready"
    assert complete(conn, claim_one(conn)) == ["ok"]


@pytest.mark.slow
def test_each_claim_has_its_own_fence(conn: psycopg.Connection) -> None:
    enqueue(conn)
    first = claim_one(conn)
    rows(conn, "release_batch", ids=[first.job_id], claim_ids=[first.claim_id])
    second = claim_one(conn)
    assert second.job_id == first.job_id
    assert second.claim_id != first.claim_id
    assert second.attempt == 1


@pytest.mark.parametrize("size", [0, -1, 10_001, -(1 << 63)])
def test_batch_sizes_that_are_refused(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", "batch_size is"):
        claim(conn, batch_size=size)


@pytest.mark.parametrize("queues", [None, [], [None], ["a", None]])
def test_queues_that_are_refused(conn: psycopg.Connection, queues: list[str] | None) -> None:
    with refused("JQ002", "not a list of names"):
        rows(conn, "claim_batch", queues=queues)


def test_an_unknown_worker_is_refused(conn: psycopg.Connection) -> None:
    enqueue(conn)
    with refused("JQ004", "worker 77 is not registered"):
        claim(conn, worker_id=77)


@pytest.mark.parametrize("instruction", ["pause", "stop"])
def test_an_ordered_worker_claims_nothing(conn: psycopg.Connection, instruction: str) -> None:
    worker_id = register(conn)
    enqueue(conn)
    value(conn, "order_worker", worker_id=worker_id, instruction=instruction)
    assert claim(conn, worker_id=worker_id) == []
    value(conn, "order_worker", worker_id=worker_id, instruction="resume")
    assert len(claim(conn, worker_id=worker_id)) == 1


def test_a_short_claim_makes_the_worker_idle(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    idle = "select idle from pgq.workers"
    assert scalar(conn, idle) is False
    claim(conn, worker_id=worker_id, batch_size=1)
    assert scalar(conn, idle) is True
    enqueue(conn)
    enqueue(conn)
    claim(conn, worker_id=worker_id, batch_size=1)
    assert scalar(conn, idle) is False


@pytest.mark.slow
def test_a_large_batch(conn: psycopg.Connection) -> None:
    jobs = 'select jsonb_agg(\'{"task": "a"}\'::jsonb) from generate_series(1, 10001)'
    conn.execute(f"select count(*) from pgq.enqueue_many(({jobs}))".encode())
    held = claim(conn, batch_size=10_000)
    assert len({claimed.job_id for claimed in held}) == 10_000
    assert len({claimed.claim_id for claimed in held}) == 1
    assert len(claim(conn, batch_size=10_000)) == 1
