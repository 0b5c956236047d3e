"""Operators hear of a queue or a semaphore that nobody knows: it may be misspelt."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, register, scalar, value


@pytest.fixture
def heard(conn: psycopg.Connection) -> Iterator[list[str]]:
    """The notices so far; each must have a hint."""
    notices: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        assert notice.message_hint
        notices.append(notice.message_primary or "")

    conn.add_notice_handler(note)
    yield notices
    conn.remove_notice_handler(note)


CALLS: dict[str, dict[str, object]] = {
    "pause_queue": {},
    "resume_queue": {},
    "clear_queue": {},
    "configure_queue": {"max_running": 3},
}


@pytest.mark.slow
@pytest.mark.parametrize("function", CALLS)
def test_a_queue_that_nobody_knows_is_named(
    conn: psycopg.Connection, heard: list[str], function: str
) -> None:
    enqueue(conn, queue="mail")
    value(conn, function, queue="mial", **CALLS[function])
    assert heard == ["no job, worker or schedule has named queue mial so far"]


@pytest.mark.slow
@pytest.mark.parametrize("known", ["ready", "scheduled", "blocked", "running", "past", "worker"])
@pytest.mark.parametrize("function", CALLS)
def test_of_a_known_queue_nothing_is_said(
    conn: psycopg.Connection, heard: list[str], function: str, known: str
) -> None:
    if known == "worker":
        register(conn, queues=["mail"])
    else:
        options = {"scheduled": {"delay": "1 hour"}, "blocked": {"concurrency_key": "c"}}
        enqueue(conn, queue="mail", **options.get(known, {}))
    if known in ("running", "past"):
        held = claim_one(conn, queues=["mail"])
    if known == "past":
        complete(conn, held)
    value(conn, function, queue="mail", **CALLS[function])
    assert heard == []


def test_of_a_queue_with_a_schedule_or_options_nothing_is_said(
    conn: psycopg.Connection, heard: list[str]
) -> None:
    value(conn, "schedule", name="s", task="t", every="1 hour", queue="nightly")
    value(conn, "pause_queue", queue="nightly")
    value(conn, "resume_queue", queue="nightly")
    value(conn, "pause_queue", queue="nightly")
    assert heard == []


@pytest.mark.slow
def test_looking_costs_little_beside_much_history(conn: psycopg.Connection) -> None:
    """Nothing like a walk over all that ended."""
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args)"
        " select n, 'succeeded', 'other', 't', 0, 1, 1, now(), now(), now(), '{}'"
        " from generate_series(1, 100000) as n"
    )
    conn.execute("analyze pgq.job_history")
    with conn.transaction():
        conn.execute("select pgq._notice_unknown_queue('mial')")
        read = scalar(
            conn,
            "select sum(pg_stat_get_xact_tuples_returned(oid))::bigint from pg_class"
            " where relkind in ('r', 'i') and relname ~ '^job_history'",
        )
    assert 10_000 <= read <= 20_000


@pytest.mark.slow
def test_a_semaphore_that_nobody_knows_is_named(conn: psycopg.Connection, heard: list[str]) -> None:
    enqueue(conn, concurrency_key="tenant:1")
    value(conn, "configure_semaphore", concurrency_key="tenant:1", max_slots=2)
    value(conn, "configure_semaphore", concurrency_key="tenant:2", max_slots=2)
    value(conn, "configure_semaphore", concurrency_key="tenant:2", max_slots=3)
    assert heard == ["no job holds semaphore tenant:2, waits for it, or has it in a schedule"]
