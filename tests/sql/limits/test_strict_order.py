"""Jobs with concurrency_order: one of a key at a time, in the order of their ids, come what may."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    PILED,
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
    violations,
)
from tests.sql.limits.semaphores import holders, keyed, promote, states


def ordered(
    conn: psycopg.Connection, key: str = "k", order: str = "continue", **options: Any
) -> int:
    """Enqueue a job in strict order."""
    return keyed(conn, key, concurrency_order=order, **options)


def run_all(conn: psycopg.Connection) -> list[int]:
    """Complete what is ready, one claim after another; return the jobs in the order of starts."""
    started: list[int] = []
    promote(conn)
    while held := claim(conn, batch_size=1):
        started += [each.job_id for each in held]
        complete(conn, *held)
        assert violations(conn) == []
    return started


def taken(conn: psycopg.Connection) -> Claim:
    promote(conn)
    return claim_one(conn)


def test_one_of_a_key_runs_at_a_time_and_each_key_for_itself(conn: psycopg.Connection) -> None:
    made = [ordered(conn, key) for key in "abab"]
    promote(conn)
    held = claim(conn)
    assert [each.job_id for each in held] == made[:2]
    assert states(conn, *made[2:]) == ["blocked"] * 2
    complete(conn, held[1])
    assert claim_one(conn).job_id == made[3]
    assert violations(conn) == []


def test_priority_does_not_change_the_order_of_a_key(conn: psycopg.Connection) -> None:
    made = [ordered(conn, priority=priority) for priority in (5, 0, -5)]
    assert outcomes(conn, "reprioritise", made[2], priority=-100) == ["reprioritised"]
    assert run_all(conn) == made


def test_priority_orders_the_first_jobs_of_keys(conn: psycopg.Connection) -> None:
    late, soon = ordered(conn, "a", priority=5), ordered(conn, "b", priority=-5)
    assert run_all(conn) == [soon, late]


def test_a_job_keeps_its_turn_over_retries_snoozes_and_releases(
    conn: psycopg.Connection, travel: Travel
) -> None:
    first, second = ordered(conn, backoff="1 hour"), ordered(conn)
    assert fail(conn, taken(conn)) == [("ok", "scheduled")]
    promote(conn)
    assert (states(conn, first, second), holders(conn)) == (["scheduled", "blocked"], [first])
    travel("1 hours")
    settle(conn, "snooze_batch", [taken(conn)], delays=["2 hours"])
    promote(conn)
    assert states(conn, first, second) == ["scheduled", "blocked"]
    travel("2 hours")
    settle(conn, "release_batch", [taken(conn)])
    assert states(conn, first, second) == ["ready", "blocked"]
    assert violations(conn) == []
    assert run_all(conn) == [first, second]


def test_a_job_with_a_time_takes_its_place_at_once(
    conn: psycopg.Connection, travel: Travel
) -> None:
    first, second = ordered(conn, delay="1 hour"), ordered(conn)
    promote(conn)
    assert states(conn, first, second) == ["scheduled", "blocked"]
    assert violations(conn) == []
    assert run_all(conn) == []
    travel("1 hours")
    assert run_all(conn) == [first, second]


def test_run_now_starts_the_first_job_before_its_time(conn: psycopg.Connection) -> None:
    first, second = ordered(conn, delay="1 hour"), ordered(conn)
    promote(conn)
    assert outcomes(conn, "run_now", first) == ["promoted"]
    assert state(conn, first) == "ready"
    assert run_all(conn) == [first, second]


def test_a_lost_worker_keeps_the_turn_of_its_job(conn: psycopg.Connection) -> None:
    first, second = ordered(conn), ordered(conn)
    worker = register(conn)
    promote(conn)
    claim(conn, worker_id=worker)
    value(conn, "deregister_worker", worker_id=worker)
    promote(conn)
    assert states(conn, first, second)[1] == "blocked"
    assert holders(conn) == [first]
    assert violations(conn) == []


@pytest.mark.parametrize(
    ("end", "state_then"), [("fail", "failed"), ("cancel", "cancelled"), ("discard", None)]
)
def test_a_job_that_ends_otherwise_lets_the_next_one_go(
    conn: psycopg.Connection, end: str, state_then: str | None
) -> None:
    first, second = ordered(conn, max_attempts=1), ordered(conn)
    if end == "fail":
        assert fail(conn, taken(conn)) == [("ok", "failed")]
    else:
        promote(conn)
        outcomes(conn, end, first)
    assert state(conn, first) == state_then
    assert run_all(conn) == [second]


def test_an_expired_job_lets_the_next_one_go(conn: psycopg.Connection, travel: Travel) -> None:
    first, second = ordered(conn, order="block", expires_in="1 hour"), ordered(conn)
    promote(conn)
    travel("2 hours")
    rows(conn, "maintain")
    assert state(conn, first) == "expired"
    assert run_all(conn) == [second]


def failed_and_blocking(conn: psycopg.Connection) -> tuple[int, int]:
    """Return a failed job that blocks its key, and the next one."""
    first, second = ordered(conn, order="block", max_attempts=1), ordered(conn, order="block")
    assert fail(conn, taken(conn)) == [("ok", "failed")]
    promote(conn)
    assert (states(conn, first, second), holders(conn)) == (["failed", "blocked"], [first])
    assert violations(conn) == []
    return first, second


def test_a_failed_job_blocks_its_key_until_its_retry_succeeds(conn: psycopg.Connection) -> None:
    first, second = failed_and_blocking(conn)
    assert outcomes(conn, "retry", first) == ["retried"]
    assert states(conn, first, second) == ["ready", "blocked"]
    assert fail(conn, taken(conn)) == [("ok", "failed")]
    promote(conn)
    assert states(conn, first, second) == ["failed", "blocked"]
    outcomes(conn, "retry", first)
    assert run_all(conn) == [first, second]


def test_a_failed_job_that_is_discarded_blocks_no_more(conn: psycopg.Connection) -> None:
    first, second = failed_and_blocking(conn)
    assert outcomes(conn, "discard", first) == ["discarded"]
    assert run_all(conn) == [second]


def test_release_semaphore_passes_over_the_failed_job(conn: psycopg.Connection) -> None:
    first, second = failed_and_blocking(conn)
    assert value(conn, "release_semaphore", concurrency_key="k") == 1
    assert run_all(conn) == [second]
    assert state(conn, first) == "failed"


def test_a_copy_of_the_failed_job_stands_last_in_line(conn: psycopg.Connection) -> None:
    first, second = failed_and_blocking(conn)
    copy = value(conn, "enqueue_again", job_id=first)
    value(conn, "release_semaphore", concurrency_key="k")
    assert run_all(conn) == [second, copy]


def test_a_key_stays_blocked_when_the_history_is_gone(conn: psycopg.Connection) -> None:
    first, second = failed_and_blocking(conn)
    conn.execute("delete from pgq.job_history where id = %s", (first,))
    promote(conn)
    assert (state(conn, second), violations(conn)) == ("blocked", [])
    assert value(conn, "release_semaphore", concurrency_key="k") == 1
    assert run_all(conn) == [second]


@pytest.mark.parametrize("settled", [False, True])
def test_release_semaphore_leaves_live_jobs_their_turn(
    conn: psycopg.Connection, settled: bool
) -> None:
    first, second = ordered(conn, backoff="1 hour"), ordered(conn)
    held = taken(conn)
    if settled:
        fail(conn, held)
    assert value(conn, "release_semaphore", concurrency_key="k") == 0
    promote(conn)
    assert (holders(conn), state(conn, second)) == ([first], "blocked")


def test_a_failed_job_whose_followers_have_run_goes_next(conn: psycopg.Connection) -> None:
    first, second, third = ordered(conn, max_attempts=1), ordered(conn), ordered(conn)
    fail(conn, taken(conn))
    held = taken(conn)
    assert outcomes(conn, "retry", first) == ["retried"]
    promote(conn)
    assert states(conn, first, second, third) == ["blocked", "running", "blocked"]
    complete(conn, held)
    assert run_all(conn) == [first, third]


def test_no_limit_lets_two_of_a_key_run(conn: psycopg.Connection) -> None:
    made = [ordered(conn) for _ in range(3)]
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=5)
    promote(conn)
    assert holders(conn) == made[:1]
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=0)
    complete(conn, claim_one(conn))
    promote(conn)
    assert (holders(conn), violations(conn)) == ([], [])
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=None)
    assert run_all(conn) == made[1:]


def test_others_of_the_same_key_wait_behind_it(conn: psycopg.Connection) -> None:
    """They count by their own limit, and go beside it if that is higher."""
    plain = [keyed(conn, limit=3, priority=-9) for _ in range(2)]
    promote(conn)
    first, second, third = ordered(conn), ordered(conn), keyed(conn, limit=3)
    promote(conn)
    assert holders(conn) == plain
    complete(conn, *claim(conn))
    promote(conn)
    assert holders(conn) == [first]
    complete(conn, claim_one(conn))
    promote(conn)
    assert states(conn, first, second, third) == ["succeeded", "ready", "ready"]
    assert violations(conn) == []


def test_enqueue_many_keeps_its_order(conn: psycopg.Connection) -> None:
    """Also where some jobs have a unique_key or a ref, which are stored at other times."""
    common = {"task": "work", "concurrency_key": "k", "concurrency_order": "continue"}
    made = enqueue_many(
        conn,
        common,
        {**common, "unique_key": "z"},
        {"task": "other"},
        {**common, "ref": "parent"},
        {**common, "unique_by": "args"},
        {"task": "child", "depends_on": ["parent"]},
        common,
    )
    ids = [job_id for job_id, _ in made]
    promote(conn)
    started = run_all(conn)
    assert [job_id for job_id in started if job_id not in (ids[2], ids[5])] == [
        ids[place] for place in (0, 1, 3, 4, 6)
    ]
    assert ids[5] in started


def test_a_unique_key_answers_its_owner(conn: psycopg.Connection) -> None:
    first = ordered(conn, unique_key="u", delay="1 hour")
    assert ordered(conn, unique_key="u") == first
    promote(conn)
    assert ordered(conn, unique_key="u", on_conflict="bump") == first
    assert run_all(conn) == [first]


def test_one_that_is_replaced_by_another_job_loses_its_turn(conn: psycopg.Connection) -> None:
    first, second = ordered(conn, unique_key="u", delay="1 hour"), ordered(conn)
    promote(conn)
    assert holders(conn) == [first]
    assert enqueue(conn, unique_key="u", on_conflict="replace") == first
    promote(conn)
    assert (holders(conn), states(conn, first, second)) == ([second], ["ready"] * 2)
    assert violations(conn) == []


def test_defaults_of_a_task_and_a_batch(conn: psycopg.Connection) -> None:
    value(
        conn, "configure_task", task="sync", concurrency_key="{account}", concurrency_order="block"
    )
    batch = value(conn, "create_batch")
    made = [
        enqueue(conn, "sync", args='{"account": "a"}', batch_id=batch, max_attempts=1)
        for _ in range(2)
    ]
    value(conn, "close_batch", batch_id=batch)
    fail(conn, taken(conn))
    promote(conn)
    assert states(conn, *made) == ["failed", "blocked"]
    plain = enqueue(conn, "sync", args='{"account": "a"}', concurrency_key="mine")
    promote(conn)
    assert state(conn, plain) == "ready"
    with refused("JQ001", "both depends_on and concurrency_order are given"):
        enqueue(conn, "sync", args='{"account": "a"}', depends_on=[made[0]])


def test_jobs_of_a_schedule_and_of_a_subscription(conn: psycopg.Connection) -> None:
    key = {"concurrency_key": "k", "concurrency_order": "block"}
    value(conn, "schedule", name="s", task="tick", every="1 hour", **key)
    value(conn, "subscribe", topic="t", task="told")
    value(conn, "configure_task", task="told", **key)
    (published,) = rows(conn, "publish", topic="t", payload="{}")
    ticked = value(conn, "run_schedule_now", name="s")
    assert run_all(conn) == [published["id"], ticked]
    given = json.dumps(key)
    (published,) = rows(conn, "publish", topic="t", payload="{}", options=given)
    assert run_all(conn) == [published["id"]]
    with refused("JQ002", "concurrency_order is no option of a subscription"):
        value(conn, "subscribe", topic="t", task="other", options=given)


def test_jobs_of_a_trigger(conn: psycopg.Connection) -> None:
    value(
        conn, "configure_task", task="changed", concurrency_key="{table}", concurrency_order="block"
    )
    conn.execute("create table orders (id bigint)")
    conn.execute(
        "create trigger t after insert on orders for each row "
        "execute function pgq.enqueue_trigger('changed')"
    )
    conn.execute("insert into orders select generate_series(1, 3)")
    made = [job_id for (job_id,) in conn.execute("select id from pgq.jobs order by id")]
    promote(conn)
    assert holders(conn, "public.orders") == made[:1]
    assert run_all(conn) == made


def test_why_it_waits(conn: psycopg.Connection) -> None:
    first, second, third = (ordered(conn, order="block", max_attempts=1) for _ in range(3))

    def why(job_id: int) -> str:
        (found,) = rows(conn, "why_waiting", job_id=job_id)
        assert found["reason"] == "semaphore"
        return str(found["explanation"])

    promote(conn)
    assert (
        why(second) == f"job {first}, which is ready, comes before it in the order of semaphore k"
    )
    assert why(third).endswith("; 1 jobs wait before it")
    fail(conn, claim_one(conn))
    assert why(second) == f"job {first}, which comes before it, failed and blocks semaphore k"
    conn.execute("delete from pgq.job_history")
    assert why(second) == f"job {first}, which failed and is gone, blocks semaphore k"
    value(conn, "release_semaphore", concurrency_key="k")
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=0)
    assert why(second) == "semaphore k has 0 slots"
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=None)
    (found,) = rows(conn, "why_waiting", job_id=second)
    assert found["reason"] == "promotion"
    plain = keyed(conn, "l")
    promote(conn)
    assert why(ordered(conn, "l")) == f"semaphore l is taken by jobs without an order: {plain}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency_key": None}, "without concurrency_key"),
        ({"concurrency_order": "fifo"}, "concurrency_order is fifo"),
        ({"concurrency_limit": 2}, "with a limit over 1"),
        ({"concurrency_duration": "1 hour"}, "a duration"),
        ({"concurrency_on_conflict": "discard"}, "discard"),
        ({"depends_on": [1]}, "both depends_on and concurrency_order"),
        ({"unique_key": "u", "on_conflict": "replace"}, "on_conflict => replace"),
        ({"unique_key": "u", "on_conflict": "merge"}, "on_conflict => merge"),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], message: str) -> None:
    enqueue(conn)
    with refused("JQ001", message):
        enqueue(conn, **{"concurrency_key": "k", "concurrency_order": "block", **options})


def test_marks_of_a_busy_key_hide_no_job(conn: psycopg.Connection) -> None:
    conn.execute(PILED.encode())
    made = [ordered(conn, priority=number % 3) for number in range(200)]
    assert run_all(conn) == made
    assert scalar(conn, "select count(*) from pgq.key_marks") > 0
    low = 1_000_000
    conn.execute("select setval('pgq.jobs_id_seq', %s)", (2 * low,))
    late = ordered(conn)
    promote(conn)
    conn.execute("select setval('pgq.jobs_id_seq', %s)", (low,))
    first = ordered(conn)
    assert first < late
    complete(conn, claim_one(conn))
    assert run_all(conn) == [first]


def test_a_clear_queue_lets_the_key_go(conn: psycopg.Connection) -> None:
    ordered(conn, queue="a")
    ordered(conn, queue="a", delay="1 hour")
    promote(conn)
    value(conn, "clear_queue", queue="a", include_scheduled=True)
    other = ordered(conn)
    assert run_all(conn) == [other]


@pytest.mark.parametrize(
    ("damage", "violation"),
    [
        (
            "insert into pgq.slots (job_id, concurrency_key, weight, in_order) "
            "select id, 'k', 1, 'continue' from pgq.jobs where id not in "
            "(select job_id from pgq.slots)",
            "several jobs in strict order have one key",
        ),
        ("delete from pgq.slots", "job in strict order outside its line, without its key"),
        ("update pgq.blocked set priority = 0", "wrong place in the line of a semaphore"),
        ("update pgq.blocked set waiting_xid = '9'", "wrong place in the line of a semaphore"),
        ("update pgq.slots set job_id = 99999", "key that is kept by a job that did not fail"),
        ("update pgq.slots set in_order = 'block'", "slot or blocked row that differs"),
    ],
)
def test_verify_finds(conn: psycopg.Connection, damage: str, violation: str) -> None:
    for _ in range(2):
        ordered(conn)
    promote(conn)
    with conn.transaction(force_rollback=True):
        conn.execute(damage.encode())
        assert any(found.startswith(violation) for found in violations(conn))
