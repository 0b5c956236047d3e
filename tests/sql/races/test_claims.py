"""What a claim meets: other claims, cancels, pauses, clears and transactions that stay open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    outcomes,
    register,
    rows,
    scalar,
    state,
    value,
    violations,
)
from tests.sql.conftest import Silence
from tests.sql.races.conftest import Start


def test_a_second_claim_passes_over_the_first(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    first, second = enqueue(conn), enqueue(conn)
    assert [held.job_id for held in claim(other, batch_size=1)] == [first]
    claiming = start(claim)
    assert not claiming.waits()
    assert [held.job_id for held in claiming.result()] == [second]
    other.commit()
    assert claim(conn) == []


def test_a_claim_that_rolls_back_leaves_the_job_to_others(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    job_id = enqueue(conn)
    lost = claim_one(other)
    other.rollback()
    held = claim_one(conn)
    assert held.job_id == job_id and held.claim_id != lost.claim_id
    assert complete(other, lost) == ["lost"]
    other.commit()
    assert complete(conn, held) == ["ok"]


def test_many_claimers_share_the_jobs(conn: psycopg.Connection, start: Start) -> None:
    enqueue_many(conn, *[{"task": "a", "queue": f"q{number % 3}"} for number in range(1000)])

    def drain(session: psycopg.Connection) -> list[int]:
        ids = []
        while held := claim(session, ["q1", "q*"], batch_size=7):
            ids += [one.job_id for one in held]
            assert set(complete(session, *held)) == {"ok"}
        return ids

    drains = [start(drain) for _ in range(4)]
    counted = Counter(job_id for call in drains for job_id in call.result())
    assert len(counted) == 1000 and set(counted.values()) == {1}


def test_a_cancel_waits_for_a_claim_and_then_asks(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    held = claim_one(other)
    cancelling = start(outcomes, "cancel", job_id)
    assert cancelling.waits()
    other.commit()
    assert cancelling.result() == ["requested"]
    assert complete(conn, held) == ["ok"]


def test_a_cancel_waits_for_a_claim_that_rolls_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    claim_one(other)
    cancelling = start(outcomes, "cancel", job_id)
    assert cancelling.waits()
    other.rollback()
    assert cancelling.result() == ["cancelled"]
    assert state(conn, job_id) == "cancelled"


def test_a_claim_passes_over_a_job_that_is_being_cancelled(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    assert outcomes(other, "cancel", job_id) == ["cancelled"]
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.rollback()
    assert claim_one(conn).job_id == job_id


def test_a_claim_does_not_wait_for_a_pause(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    enqueue(conn)
    enqueue(conn)
    value(other, "pause_queue", queue="default")
    claiming = start(claim, batch_size=1)
    assert not claiming.waits() and len(claiming.result()) == 1
    other.commit()
    assert claim(conn) == []


def test_a_pause_does_not_wait_for_a_claim(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    enqueue(conn)
    held = claim_one(other)
    pausing = start(value, "pause_queue", queue="default")
    assert not pausing.waits()
    pausing.result()
    other.commit()
    assert complete(conn, held) == ["ok"]


@pytest.mark.parametrize("commits", [True, False])
def test_clear_queue_passes_over_a_claim(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    for _ in range(3):
        enqueue(conn)
    held = claim_one(other)
    clearing = start(value, "clear_queue", queue="default")
    assert not clearing.waits() and clearing.result() == 2
    other.commit() if commits else other.rollback()
    assert state(conn, held.job_id) == ("running" if commits else "ready")


def test_a_claim_passes_over_what_is_being_cleared(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    enqueue(conn)
    assert value(other, "clear_queue", queue="default") == 1
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.rollback()
    assert len(claim(conn)) == 1


def test_discard_waits_for_a_claim_and_then_leaves_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    enqueue(conn)
    held = claim_one(other)
    discarding = start(outcomes, "discard", held.job_id)
    assert discarding.waits()
    other.commit()
    assert discarding.result() == ["running"]
    assert complete(conn, held) == ["ok"]


def test_a_claim_passes_over_what_is_being_discarded(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    outcomes(other, "discard", job_id)
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.commit()
    assert state(conn, job_id) is None


def test_a_claim_and_a_rescue_of_the_same_worker(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, silence: Silence
) -> None:
    worker_id = register(conn, lease="1 second")
    enqueue(conn, backoff="0")
    silence("2 seconds")
    held = claim_one(other, worker_id=worker_id)
    rescuing = start(value, "rescue_lost_workers")
    assert not rescuing.waits() and rescuing.result() == 0
    other.commit()
    assert state(conn, held.job_id) == "running"
    assert violations(conn) == []
    assert value(conn, "rescue_lost_workers") == 1
    assert state(conn, held.job_id) == "ready"


def test_a_claim_and_a_deregistration_of_the_same_worker(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    enqueue(conn, backoff="0")
    held = claim_one(other, worker_id=worker_id)
    leaving = start(value, "deregister_worker", worker_id=worker_id)
    leaving.waits()
    other.commit()
    leaving.result()
    value(conn, "rescue_lost_workers")
    assert state(conn, held.job_id) == "ready"


def test_a_heartbeat_does_not_wait_for_a_claim(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    enqueue(conn)
    enqueue(conn)
    claim(other, batch_size=1, worker_id=worker_id)
    beating = start(rows, "heartbeat", worker_id=worker_id)
    assert not beating.waits() and beating.result() == []
    other.commit()


def test_a_claim_does_not_wait_for_a_heartbeat(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    enqueue(conn)
    rows(other, "heartbeat", worker_id=worker_id)
    claiming = start(claim, worker_id=worker_id)
    assert not claiming.waits() and len(claiming.result()) == 1
    other.commit()


def test_an_open_enqueue_blocks_nobody(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    travel: Travel,
) -> None:
    worker_id = register(conn)
    claim(conn, worker_id=worker_id)
    for given in ({}, {"delay": "1 hour"}, {"unique_key": "k"}, {"queue": "paused"}):
        enqueue(other, **given)
    seen = enqueue(conn)
    due = enqueue(conn, delay="1 s")
    travel("20 days")
    steps: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
        (claim, (), {"batch_size": 1, "worker_id": worker_id}),
        (rows, ("promote_due",), {}),
        (value, ("pause_queue",), {"queue": "default"}),
        (value, ("resume_queue",), {"queue": "default"}),
        (rows, ("maintain",), {}),
        (value, ("prune",), {"older_than": "0"}),
        (value, ("clear_queue",), {"queue": "paused"}),
        (rows, ("heartbeat",), {"worker_id": worker_id}),
        (rows, ("verify",), {}),
    ]
    answers = []
    for function, arguments, options in steps:
        call = start(function, *arguments, **options)
        assert not call.waits(), (function, arguments)
        answers.append(call.result())
    assert [held.job_id for held in answers[0]] == [seen]
    assert state(conn, due) == "ready"
    other.commit()
    assert scalar(conn, "select count(*) from pgq.jobs") == 6


def spread(conn: psycopg.Connection, queues: int, jobs: int) -> list[int]:
    """Enqueue jobs round the queues at two priorities; return their ids, best first."""
    enqueue_many(
        conn,
        *[
            {"task": "a", "queue": f"q{number % queues}", "priority": number // queues % 2}
            for number in range(jobs)
        ],
    )
    best_first = "select job_id from pgq.ready order by priority, ready_xid, job_id"
    return [row[0] for row in conn.execute(best_first.encode())]


@pytest.mark.parametrize("size", [1, 10, 25])
def test_a_claim_over_many_queues_takes_the_best_that_nobody_holds(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, size: int
) -> None:
    best = spread(conn, queues=20, jobs=60)
    first = claim(other, batch_size=size)
    assert {held.job_id for held in first} == set(best[:size])
    claiming = start(claim, batch_size=size)
    assert not claiming.waits()
    assert {held.job_id for held in claiming.result()} == set(best[size : 2 * size])
    other.rollback()
    assert {held.job_id for held in claim(conn)} == set(best[:size]) | set(best[2 * size :])


def test_a_claim_finds_the_few_jobs_behind_very_many_that_are_held(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    best = spread(conn, queues=20, jobs=200)
    held = [one.job_id for one in claim(other, batch_size=198)]
    claiming = start(claim, batch_size=1)
    assert not claiming.waits() and len(claiming.result()) == 1
    rest = start(claim, batch_size=5)
    assert not rest.waits() and len(rest.result()) == 1
    assert set(held) == set(best[:198])
    other.rollback()
    assert len(claim(conn, batch_size=1000)) == 198


def test_one_queue_that_is_held_leaves_the_others(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    best = spread(conn, queues=10, jobs=100)
    assert value(other, "clear_queue", queue="q3") == 10
    claiming = start(claim, batch_size=95)
    assert not claiming.waits()
    taken = claiming.result()
    assert len(taken) == 90 and {one.queue for one in taken}.isdisjoint({"q3"})
    other.rollback()
    assert {one.job_id for one in claim(conn)} | {one.job_id for one in taken} == set(best)


def test_many_claimers_share_many_queues(conn: psycopg.Connection, start: Start) -> None:
    value(conn, "configure_queue", queue="q5", max_running=3)
    spread(conn, queues=100, jobs=1000)

    def drain(session: psycopg.Connection) -> list[int]:
        ids = []
        while held := claim(session, ["*"], batch_size=30):
            ids += [one.job_id for one in held]
            assert set(complete(session, *held)) == {"ok"}
        return ids

    drains = [start(drain) for _ in range(4)]
    counted = Counter(job_id for call in drains for job_id in call.result())
    counted.update(drain(conn))
    assert len(counted) == 1000 and set(counted.values()) == {1}


@pytest.mark.parametrize("tasks", [None, ["work"]])
def test_a_claim_and_a_pause_of_its_task_wait_for_nobody(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, tasks: list[str] | None
) -> None:
    """What a claim took before the pause was there runs on; the next one takes nothing."""
    for _ in range(3):
        enqueue(conn)
    assert len(claim(other, batch_size=1, tasks=tasks)) == 1
    pausing = start(lambda session: value(session, "pause_task", task="work"))
    assert not pausing.waits()
    pausing.result()
    assert claim(other, batch_size=1, tasks=tasks) == claim(conn, tasks=tasks) == []
    other.commit()
    value(other, "resume_task", task="work")
    claiming = start(lambda session: claim(session, tasks=tasks))
    assert not claiming.waits() and claiming.result() == []
    other.rollback()
    assert claim(conn, tasks=tasks) == []
    value(other, "resume_task", task="work")
    other.commit()
    assert len(claim(conn, tasks=tasks)) == 2


def test_a_claim_and_a_pause_of_its_key_wait_for_nobody(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    value(conn, "configure_queue", queue="q", fair=True)
    for _ in range(3):
        enqueue(conn, queue="q", partition_key="s")
    assert len(claim(other, batch_size=1)) == 1
    pausing = start(lambda session: value(session, "pause_queue", queue="q", partition_key="s"))
    assert not pausing.waits()
    pausing.result()
    assert claim(other, batch_size=1) == claim(conn) == []
    other.commit()
    value(other, "resume_queue", queue="q", partition_key="s")
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.commit()
    assert len(claim(conn)) == 2


def test_two_pauses_of_a_task_at_once(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    value(other, "pause_task", task="work")
    pausing = start(lambda session: value(session, "pause_task", task="work", duration="1 hour"))
    assert pausing.waits()
    other.commit()
    pausing.result()
    assert scalar(conn, "select paused_until is not null from pgq.pause_status")
