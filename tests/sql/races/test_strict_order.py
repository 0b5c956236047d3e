"""What meets over a key in strict order: no job may go before an earlier one, or be forgotten."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.conftest import Connect
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    value,
    violations,
)
from tests.sql.limits.semaphores import holders, keyed, promote, states
from tests.sql.races.conftest import Start

ENDS = pytest.mark.parametrize("commits", [True, False])


def ordered(conn: psycopg.Connection, order: str = "continue", **options: Any) -> int:
    return keyed(conn, concurrency_order=order, **options)


def end(session: psycopg.Connection, commits: bool) -> None:
    session.commit() if commits else session.rollback()


def at_once(start: Start, function: Any, *arguments: Any, **options: Any) -> Any:
    call = start(function, *arguments, **options)
    assert not call.waits()
    return call.result()


@ENDS
def test_an_enqueue_while_the_first_job_is_settled(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    first = ordered(conn)
    promote(conn)
    held = claim_one(conn)
    complete(other, held)
    second = at_once(start, ordered)
    promote(conn)
    assert holders(conn) == [first]
    end(other, commits)
    promote(conn)
    assert holders(conn) == [second if commits else first]


@ENDS
def test_a_settle_while_an_enqueue_is_open(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool
) -> None:
    """Nobody waits for an open transaction; once it commits, its job goes by its id."""
    ordered(conn)
    promote(conn)
    early = ordered(other)
    late, last = ordered(conn), ordered(conn)
    complete(conn, claim_one(conn))
    assert holders(conn) == [late]
    end(other, commits)
    promote(conn)
    complete(conn, claim_one(conn))
    assert holders(conn) == [early if commits else last]


@ENDS
@pytest.mark.parametrize("call", ["cancel", "discard", "reprioritise", "retry"])
def test_a_promotion_while_the_next_job_is_being_changed(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, call: str, commits: bool
) -> None:
    """It is locked; the one after it does not go before it, as with other semaphores it would."""
    first, second, third = (ordered(conn) for _ in range(3))
    promote(conn)
    held = claim_one(conn)
    options = {"priority": -1} if call == "reprioritise" else {}
    rows(other, call, ids=[second], **options)
    complete(conn, held)
    at_once(start, promote)
    assert holders(conn) == []
    end(other, commits)
    promote(conn)
    gone = commits and call in ("cancel", "discard")
    assert holders(conn) == [third if gone else second]
    assert first not in holders(conn)


@ENDS
@pytest.mark.parametrize("call", ["cancel", "discard", "reprioritise", "retry"])
def test_a_promotion_while_the_first_job_is_being_changed(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, call: str, commits: bool
) -> None:
    first, second = ordered(conn), ordered(conn)
    promote(conn)
    options = {"priority": -1} if call == "reprioritise" else {}
    rows(other, call, ids=[first], **options)
    at_once(start, promote)
    assert holders(conn) == [first]
    end(other, commits)
    promote(conn)
    gone = commits and call in ("cancel", "discard")
    assert holders(conn) == [second if gone else first]


def test_a_rescue_and_a_late_complete(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    first, second = ordered(conn), ordered(conn)
    worker = register(conn)
    promote(conn)
    (held,) = claim(conn, worker_id=worker)
    value(other, "deregister_worker", worker_id=worker)
    late = start(complete, held)
    assert late.waits()
    other.commit()
    assert late.result() == ["lost"]
    promote(conn)
    assert (holders(conn), states(conn, first, second)) == ([first], ["ready", "blocked"])


def test_a_complete_and_a_late_rescue(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    first, second = ordered(conn), ordered(conn)
    promote(conn)
    held = claim_one(conn)
    complete(other, held)
    late = start(fail, held)
    assert late.waits()
    other.commit()
    assert late.result() == [("already", "succeeded")]
    promote(conn)
    assert (holders(conn), states(conn, first)) == ([second], ["succeeded"])


@pytest.fixture
def stuck(conn: psycopg.Connection) -> tuple[int, int]:
    """A job that failed and blocks its key, and the next one."""
    first, second = ordered(conn, "block", max_attempts=1), ordered(conn)
    promote(conn)
    fail(conn, claim_one(conn))
    assert holders(conn) == [first]
    return first, second


@ENDS
def test_an_enqueue_while_an_operator_decides(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    stuck: tuple[int, int],
    commits: bool,
) -> None:
    first, second = stuck
    assert value(other, "release_semaphore", concurrency_key="k") == 1
    at_once(start, ordered)
    at_once(start, promote)
    assert holders(conn) == [first]
    end(other, commits)
    promote(conn)
    assert holders(conn) == [second if commits else first]


@ENDS
def test_a_retry_after_a_release_of_the_key(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    stuck: tuple[int, int],
    commits: bool,
) -> None:
    """The retried job has its turn only if it still has the key: else it stands in line."""
    first, second = stuck
    value(other, "release_semaphore", concurrency_key="k")
    retry = start(outcomes, "retry", first)
    assert retry.waits()
    end(other, commits)
    assert retry.result() == ["retried"]
    assert violations(conn) == []
    promote(conn)
    assert (holders(conn), states(conn, first, second)) == ([first], ["ready", "blocked"])


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_a_release_of_the_key_after_a_retry(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    connect: Connect,
    start: Start,
    stuck: tuple[int, int],
    isolation: str,
) -> None:
    first, _ = stuck
    releasing = connect(autocommit=False)
    releasing.execute(f"set transaction isolation level {isolation}".encode())
    scalar(releasing, "select count(*) from pgq.jobs")
    outcomes(other, "retry", first)
    assert at_once(start, value, "release_semaphore", concurrency_key="k") == 0
    other.commit()
    if isolation == "read committed":
        assert value(releasing, "release_semaphore", concurrency_key="k") == 0
    else:
        with pytest.raises(errors.SerializationFailure):
            value(releasing, "release_semaphore", concurrency_key="k")
    assert (holders(conn), violations(conn)) == ([first], [])


@ENDS
def test_a_discard_after_a_release_of_the_key(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    stuck: tuple[int, int],
    commits: bool,
) -> None:
    first, second = stuck
    value(other, "release_semaphore", concurrency_key="k")
    discard = start(outcomes, "discard", first)
    assert discard.waits()
    end(other, commits)
    assert discard.result() == ["discarded"]
    promote(conn)
    assert holders(conn) == [second]


def test_two_promotions_and_a_job_that_commits_late(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect, start: Start
) -> None:
    promoting = connect(autocommit=False)
    early = ordered(other)
    late = ordered(conn)
    promote(promoting)
    other.commit()
    at_once(start, promote)
    assert holders(conn) == []
    promoting.commit()
    promote(conn)
    assert (holders(conn), states(conn, early, late)) == ([late], ["blocked", "ready"])


def test_a_snooze_while_an_enqueue_and_a_promotion_are_open(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect, start: Start
) -> None:
    first = ordered(conn)
    promote(conn)
    held = claim_one(conn)
    settling = connect(autocommit=False)
    settle(settling, "snooze_batch", [held], delays=["1 hour"])
    second = ordered(other)
    other.commit()
    at_once(start, promote)
    settling.commit()
    promote(conn)
    assert (holders(conn), states(conn, first, second)) == ([first], ["scheduled", "blocked"])
