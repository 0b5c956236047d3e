"""Every way out of running, and of life, is counted once, in the transaction that takes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.servers import Travel
from tests.sources import FUNCTION_FILES, code, offenders
from tests.sql.calls import (
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    value,
)
from tests.sql.statistics.counting import counted

WAYS: dict[str, tuple[Callable[[psycopg.Connection, Travel], object], dict[str, int]]] = {}


def way(
    **expected: int,
) -> Callable[
    [Callable[[psycopg.Connection, Travel], object]], Callable[[psycopg.Connection, Travel], object]
]:
    def note(
        function: Callable[[psycopg.Connection, Travel], object],
    ) -> Callable[[psycopg.Connection, Travel], object]:
        WAYS[function.__name__] = function, expected
        return function

    return note


def held(conn: psycopg.Connection, **options: object) -> Claim:
    enqueue(conn, **options)
    return claim_one(conn)


@way(succeeded=1)
def completed(conn: psycopg.Connection, travel: Travel) -> None:
    assert complete(conn, held(conn)) == ["ok"]


@way(retried=1)
def completed_with_a_result_that_cannot_be_stored(conn: psycopg.Connection, travel: Travel) -> None:
    assert complete(conn, held(conn), results=['"\\u0000"']) == ["refused"]


@way(retried=1)
def failed_with_attempts_left(conn: psycopg.Connection, travel: Travel) -> None:
    fail(conn, held(conn))


@way(failed=2)
def failed_for_good(conn: psycopg.Connection, travel: Travel) -> None:
    fail(conn, held(conn, max_attempts=1))
    fail(conn, held(conn), final=[True])


@way(cancelled=1)
def given_up_by_its_handler(conn: psycopg.Connection, travel: Travel) -> None:
    fail(conn, held(conn), cancel=[True])


@way(cancelled=1)
def cancelled_while_it_waits(conn: psycopg.Connection, travel: Travel) -> None:
    assert outcomes(conn, "cancel", enqueue(conn)) == ["cancelled"]


@pytest.mark.parametrize("function", ["fail_batch", "snooze_batch", "release_batch"])
def test_cancelled_while_it_runs(conn: psycopg.Connection, function: str) -> None:
    one = held(conn)
    assert outcomes(conn, "cancel", one.job_id) == ["requested"]
    assert counted(conn) == {}
    options = {"delays": ["1 hour"]} if function == "snooze_batch" else {}
    settle(conn, function, [one], **options)
    assert counted(conn) == {"cancelled": 1}


@way(snoozed=1)
def snoozed(conn: psycopg.Connection, travel: Travel) -> None:
    settle(conn, "snooze_batch", [held(conn)], delays=["1 hour"])


@way(retried=1)
def snoozed_by_no_delay(conn: psycopg.Connection, travel: Travel) -> None:
    settle(conn, "snooze_batch", [held(conn)], delays=[None])


@way(released=1)
def released(conn: psycopg.Connection, travel: Travel) -> None:
    settle(conn, "release_batch", [held(conn)])


@way(released=1)
def released_after_a_claim_without_an_answer(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn)
    enqueue(conn)
    claim_one(conn, worker_id=worker)
    assert value(conn, "release_unanswered", worker_id=worker, claim_ids=[]) == 1


@way(released=1, lost=1, retried=1)
def left_by_a_worker(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn)
    enqueue(conn)
    begun = claim_one(conn, worker_id=worker)
    enqueue(conn)
    claim_one(conn, worker_id=worker)
    value(conn, "deregister_worker", worker_id=worker, begun_claim_ids=[begun.claim_id])


@way(lost=2, retried=1, failed=1)
def lost_with_a_worker_that_was_seen_to_end(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn)
    enqueue(conn)
    enqueue(conn, max_attempts=1)
    claim(conn, worker_id=worker)
    assert value(conn, "report_lost_worker", worker_id=worker) == 2


@way(lost=1, cancelled=1)
def lost_and_to_be_cancelled(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn)
    job = enqueue(conn)
    claim(conn, worker_id=worker)
    outcomes(conn, "cancel", job)
    value(conn, "report_lost_worker", worker_id=worker)


@way(lost=1, retried=1)
def lost_with_a_worker_that_is_not_registered(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn)
    enqueue(conn)
    claim(conn, worker_id=worker)
    conn.execute("delete from pgq.workers")
    assert value(conn, "rescue_lost_workers") == 1


@way(retried=1)
def overdue(conn: psycopg.Connection, travel: Travel) -> None:
    held(conn, timeout="1 second")
    travel("1 minute")
    rows(conn, "maintain")


@way(expired=1)
def expired(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, expires_in="1 second")
    travel("1 minute")
    rows(conn, "maintain")


@way(failed=1, cancelled=1)
def ended_with_its_parent(conn: psycopg.Connection, travel: Travel) -> None:
    parent = enqueue(conn, max_attempts=1)
    enqueue(conn, depends_on=[parent])
    rows(conn, "promote_due")
    fail(conn, claim_one(conn))
    rows(conn, "promote_due")


@way(cancelled=1)
def discarded_by_its_semaphore(conn: psycopg.Connection, travel: Travel) -> None:
    options = {"concurrency_key": "k", "concurrency_on_conflict": "discard"}
    enqueue(conn, **options)
    rows(conn, "promote_due")
    enqueue(conn, **options)
    rows(conn, "promote_due")


@way()
def deleted_for_good(conn: psycopg.Connection, travel: Travel) -> None:
    """Leaves no trace in the history, and none in the statistics."""
    assert outcomes(conn, "discard", enqueue(conn)) == ["discarded"]
    enqueue(conn)
    assert value(conn, "clear_queue", queue="default") == 1


@way()
def settled_under_a_claim_that_is_not_held(conn: psycopg.Connection, travel: Travel) -> None:
    one = held(conn)
    assert complete(conn, one._replace(claim_id=one.claim_id + 1)) == ["lost"]


@pytest.mark.parametrize("name", WAYS)
def test_a_way_out_is_counted(conn: psycopg.Connection, travel: Travel, name: str) -> None:
    take, expected = WAYS[name]
    take(conn, travel)
    assert counted(conn) == expected
    ended = {
        state: number
        for state, number in expected.items()
        if state in ("succeeded", "failed", "cancelled", "expired")
    }
    history = conn.execute("select state, count(*) from pgq.job_history group by state")
    assert dict(history.fetchall()) == ended


def test_one_row_per_call_queue_task_and_outcome(conn: psycopg.Connection) -> None:
    enqueue_many(
        conn, *({"task": task, "queue": queue} for task in "xy" for queue in "ab" for _ in range(3))
    )
    held = claim(conn)
    complete(conn, *held[:8])
    fail(conn, *held[8:])
    found = conn.execute(
        "select outcome, sum(jobs)::bigint, count(*), count(distinct (queue, task))"
        " from pgq.stat_deltas where error is null group by outcome order by outcome"
    ).fetchall()
    assert [(outcome, jobs) for outcome, jobs, *_ in found] == [("retried", 4), ("succeeded", 8)]
    assert all(rows == pairs for *_, rows, pairs in found)


@pytest.mark.slow
def test_times_of_a_run(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    travel("10 seconds")
    one = claim_one(conn)
    travel("100 seconds")
    complete(conn, one)
    (found,) = conn.execute(
        "select round(wait_us / 1e6), round(run_us / 1e6), waits, runs from pgq.stat_deltas"
    ).fetchall()
    # Bucket 7 ends at 11.3 s, bucket 14 at 128 s.
    assert found == (10, 100, chr(85 + 7), chr(85 + 14))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "waits", "runs"),
    [("release_batch", 1, 0), ("snooze_batch", 1, 1), ("fail_batch", 1, 1)],
)
def test_a_run_that_did_not_begin_has_no_time(
    conn: psycopg.Connection, function: str, waits: int, runs: int
) -> None:
    options = {"delays": ["1 hour"]} if function == "snooze_batch" else {}
    settle(conn, function, [held(conn)], **options)
    query = "select length(waits), length(runs) from pgq.stat_deltas where error is null"
    (found,) = conn.execute(query).fetchall()
    assert found == (waits, runs)


def test_a_job_that_only_waited_has_no_times(conn: psycopg.Connection) -> None:
    outcomes(conn, "cancel", enqueue(conn))
    (found,) = conn.execute("select wait_us, run_us, waits, runs from pgq.stat_deltas").fetchall()
    assert found == (0, 0, "", "")


def test_a_rolled_back_settle_is_not_counted(conn: psycopg.Connection) -> None:
    first, second = held(conn), held(conn)
    with conn.transaction():
        complete(conn, first)
        with conn.transaction(force_rollback=True):
            complete(conn, second)
    assert counted(conn) == {"succeeded": 1}


def test_nothing_is_counted_while_statistics_are_off(conn: psycopg.Connection) -> None:
    value(conn, "configure", statistics="off")
    complete(conn, held(conn))
    fail(conn, held(conn))
    outcomes(conn, "cancel", enqueue(conn))
    assert counted(conn) == {}
    value(conn, "configure", statistics="on")
    complete(conn, held(conn))
    assert counted(conn) == {"succeeded": 1}


def test_the_minute_is_that_of_the_clock_in_whatever_zone(conn: psycopg.Connection) -> None:
    conn.execute("set timezone = 'Africa/Monrovia'")
    complete(conn, held(conn))
    assert scalar(conn, "select extract(second from minute) from pgq.stat_deltas") == 0
    assert scalar(
        conn, "select pgq._now() - minute between interval '0' and '61 s' from pgq.stat_deltas"
    )


def test_whatever_takes_a_claim_or_ends_a_job_counts_it() -> None:
    """A new way out must count too."""
    leaves = re.compile(r"delete from pgq\.running\b|insert into pgq\.job_history\b")
    counts = re.compile(r"pgq\._count_outcome\(|insert into pgq\.stat_deltas\b")
    # It puts back what it has taken out of the same day.
    moves = "sql/maintain/_shrink_history_day.sql"

    def check(path: Path) -> bool:
        ends = leaves.search(code(path)) and not path.match(moves)
        return bool(ends) and not counts.search(code(path))

    assert offenders(FUNCTION_FILES, check) == {}
