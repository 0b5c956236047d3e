from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    refused,
    rows,
)


def counts(conn: psycopg.Connection, **options: object) -> dict[str, int]:
    found = rows(conn, "count_jobs", **{"queue": "mail", **options})
    return {row["waits_for"] or row["state"]: row["jobs"] for row in found}


def test_every_state_of_one_queue(conn: psycopg.Connection) -> None:
    enqueue(conn)
    done, parent, waiter = [enqueue(conn, queue="mail") for _ in range(3)]
    complete(conn, claim_one(conn, queues=["mail"]))
    claim_one(conn, queues=["mail"])
    enqueue(conn, queue="mail", delay="1 hour")
    enqueue(conn, queue="mail", depends_on=[parent])
    for _ in range(2):
        enqueue(conn, queue="mail", concurrency_key="a", concurrency_limit=1)
    rows(conn, "promote_due")
    rows(conn, "cancel", ids=[waiter])
    assert counts(conn) == {
        "succeeded": 1, "running": 1, "scheduled": 1, "parents": 1, "semaphore": 1, "ready": 1,
        "cancelled": 1,
    }  # fmt: skip
    assert counts(conn, states=["ready", "succeeded", "failed"]) == {"ready": 1, "succeeded": 1}
    assert counts(conn, queue="nothing") == counts(conn, states=[]) == {}
    assert done < parent


def test_an_unknown_state_is_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="states has an entry that is no state") as refused:
        counts(conn, states=["waiting"])
    assert refused.value.sqlstate == "JQ002"


@pytest.mark.slow
def test_it_looks_at_a_bounded_number(conn: psycopg.Connection) -> None:
    enqueue_many(
        conn, *[{"task": "t", "queue": "other"}] * 5, *[{"task": "t", "queue": "mail"}] * 3
    )
    enqueue_many(conn, *[{"task": "t", "queue": "other", "delay": "1 hour"}] * 5)
    enqueue_many(conn, *[{"task": "t", "queue": "mail", "delay": "1 hour"}] * 2)
    complete(conn, *claim(conn, queues=["other"]))

    def exact(**options: object) -> dict[str, tuple[int, bool]]:
        found = rows(conn, "count_jobs", queue="mail", **options)
        return {row["state"]: (row["jobs"], row["exact"]) for row in found}

    assert exact() == {"scheduled": (2, True), "ready": (3, True)}
    assert exact(max_looked_at=3) == {
        "scheduled": (0, False),
        "ready": (3, False),
        "succeeded": (0, False),
    }
    for wrong in (0, 100_000_001):
        with refused("JQ002", "max_looked_at"):
            exact(max_looked_at=wrong)


@pytest.mark.slow
def test_finished_jobs_of_another_queue_are_not_walked(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args)"
        " select n, 'succeeded', 'q', 't', 0, 1, 1, now(), now(), now(), '{}'"
        " from generate_series(1, 20000) as n"
    )
    call = "select * from pgq.count_jobs('mail', '{cancelled,failed,expired,ready}')"
    buffers(conn, call)
    assert buffers(conn, call) < 200
    assert buffers(conn, "select * from pgq.count_jobs('mail', max_looked_at => 100)") < 300
