from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from tests.servers import Server, Travel
from tests.sql.calls import (
    Row,
    claim,
    claim_one,
    enqueue,
    fail,
    job,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    state,
)


def retry_delays(conn: psycopg.Connection, travel: Travel, attempts: int) -> list[float]:
    """Fail the one job again and again; return the seconds before each retry."""
    delays = []
    for _ in range(attempts):
        (answer,) = settle(conn, "fail_batch", [claim_one(conn)], messages=["boom"])
        if answer["state"] == "scheduled":
            now = scalar(conn, "select pgq._now()")
            delays.append((answer["run_at"] - now).total_seconds())
            travel(timedelta(seconds=delays[-1] + 1))
            rows(conn, "promote_due")
        else:
            delays.append(0.0)
    return delays


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ("10 seconds", [10, 10, 10]),
        ('{"kind": "linear", "base": 10, "jitter": 0}', [10, 20, 30]),
        ('{"kind": "linear", "base": 10, "cap": 15, "jitter": 0}', [10, 15, 15]),
        ('{"kind": "exponential", "base": 10, "jitter": 0}', [10, 20, 40, 80]),
        ('{"kind": "exponential", "base": 10, "cap": "25s", "jitter": 0}', [10, 20, 25]),
        ('["10s", "1 minute"]', [10, 60, 60]),
    ],
)
def test_backoff(
    conn: psycopg.Connection, travel: Travel, backoff: str, expected: list[float]
) -> None:
    enqueue(conn, backoff=backoff, max_attempts=9)
    delays = retry_delays(conn, travel, len(expected))
    if not backoff.startswith("["):
        assert delays == pytest.approx(expected, abs=0.5)
    else:  # a list keeps the default jitter, which only shortens
        pairs = zip(delays, expected, strict=True)
        assert all(0.9 * most - 0.5 <= delay <= most for delay, most in pairs)


def test_the_default_backoff_doubles_from_two_seconds(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, max_attempts=9)
    for delay, most in zip(retry_delays(conn, travel, 5), [2, 4, 8, 16, 32], strict=True):
        assert 0.9 * most - 0.5 <= delay <= most


@pytest.mark.slow
def test_no_attempt_number_overflows(conn: psycopg.Connection) -> None:
    longest = "select extract(epoch from pgq._backoff_delay(%s, 1000000))::int"
    for kind in ("constant", "linear", "exponential"):
        rule = f'{{"kind": "{kind}", "base": 31536000, "cap": 31536000, "jitter": 0}}'
        assert scalar(conn, longest, rule) == 31536000


def test_zero_backoff_retries_at_once(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="0")
    assert fail(conn, claim_one(conn), messages=["boom"]) == [("ok", "ready")]
    assert claim_one(conn).attempt == 2


def test_a_retry_waits_and_keeps_the_error(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    job_id = enqueue(conn, expires_in="1 hour", unique_key="k")
    held = claim_one(conn, worker_id=worker_id)
    (answer,) = settle(
        conn,
        "fail_batch",
        [held],
        messages=["boom"],
        error_types=["ValueError"],
        tracebacks=["line 1"],
    )
    assert (answer["outcome"], answer["state"]) == ("ok", "scheduled")
    found = job(conn, job_id)
    assert found["run_at"] == answer["run_at"]
    assert (found["state"], found["attempt"], found["expires_at"]) == ("scheduled", 1, None)
    (error,) = found["errors"]
    others = {"ready_at", "started_at", "failed_at", "fingerprint"}
    assert all(error[name] for name in others)
    assert {key: error[key] for key in error.keys() - others} == {
        "type": "ValueError",
        "message": "boom",
        "traceback": "line 1",
        "attempt": 1,
        "worker_id": worker_id,
        "worker": "test",
    }


def test_out_of_attempts_ends_as_failed(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=2, backoff="0")
    assert fail(conn, claim_one(conn), messages=["one"]) == [("ok", "ready")]
    assert fail(conn, claim_one(conn), messages=["two"]) == [("ok", "failed")]
    found = job(conn, job_id)
    assert (found["state"], found["attempt"]) == ("failed", 2)
    assert [error["message"] for error in found["errors"]] == ["one", "two"]
    assert claim(conn) == []


def test_final_ends_the_job_whatever_is_left(conn: psycopg.Connection) -> None:
    enqueue(conn, max_attempts=9, backoff="0")
    enqueue(conn, max_attempts=9, backoff="0")
    held = claim(conn)
    assert fail(conn, *held, final=[True, None]) == [("ok", "failed"), ("ok", "ready")]


def test_retry_in_wins_over_the_backoff(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="1 hour")
    enqueue(conn, backoff="1 hour")
    first, second = settle(conn, "fail_batch", claim(conn), retry_in=[timedelta(minutes=5), None])
    between = second["run_at"] - first["run_at"]
    assert between == timedelta(minutes=55)


def test_retry_in_does_not_give_attempts(conn: psycopg.Connection) -> None:
    enqueue(conn, max_attempts=1)
    assert fail(conn, claim_one(conn), retry_in=["1 s"]) == [("ok", "failed")]


def test_only_the_last_ten_errors_stay(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=20, backoff="0")
    for number in range(1, 13):
        fail(conn, claim_one(conn), messages=[f"error {number}"])
    attempts = [error["attempt"] for error in job(conn, job_id)["errors"]]
    assert attempts == list(range(3, 13))


def test_long_texts_are_cut_and_missing_ones_have_defaults(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=9, backoff="0")
    fail(conn, claim_one(conn), messages=["m" * 10_000], tracebacks=["é" * 50_000])
    fail(conn, claim_one(conn))
    cut, empty = job(conn, job_id)["errors"]
    assert (len(cut["message"]), len(cut["traceback"])) == (4000, 20000)
    assert (empty["type"], empty["message"], empty["traceback"]) == ("Error", "", None)


def test_already_and_lost(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="1 hour")
    held = claim_one(conn)
    assert fail(conn, held._replace(claim_id=held.claim_id ^ 1)) == [("lost", None)]
    assert state(conn, held.job_id) == "running"
    assert fail(conn, held, messages=["boom"]) == [("ok", "scheduled")]
    assert fail(conn, held, messages=["again"]) == [("already", "scheduled")]
    assert len(job(conn, held.job_id)["errors"]) == 1
    assert fail(conn, held._replace(job_id=99)) == [("lost", None)]


@pytest.mark.slow
def test_already_for_an_ended_job(conn: psycopg.Connection) -> None:
    enqueue(conn, max_attempts=1)
    held = claim_one(conn)
    assert fail(conn, held) == [("ok", "failed")]
    assert fail(conn, held) == [("already", "failed")]


def test_a_requested_cancel_wins(conn: psycopg.Connection) -> None:
    enqueue(conn)
    enqueue(conn, max_attempts=1)
    held = claim(conn)
    outcomes(conn, "cancel", *[one.job_id for one in held])
    assert fail(conn, *held, messages=["x", "y"]) == [("cancelled", "cancelled")] * 2
    found = job(conn, held[0].job_id)
    assert (found["state"], found["attempt"]) == ("cancelled", 1)
    assert found["errors"][0]["message"] == "x"
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0
    assert fail(conn, held[0]) == [("already", "cancelled")]


def test_cancel_ends_the_job_as_cancelled_and_keeps_the_error(conn: psycopg.Connection) -> None:
    for _ in range(4):
        enqueue(conn, max_attempts=9, backoff="0")
    held = claim(conn)
    answers = fail(
        conn,
        *held,
        messages=["of no use", "boom", "asked", "both"],
        cancel=[True, None, False, True],
        final=[None, None, None, True],
    )
    assert answers == [("ok", "cancelled"), ("ok", "ready"), ("ok", "ready"), ("ok", "cancelled")]
    found = job(conn, held[0].job_id)
    assert (found["state"], found["attempt"]) == ("cancelled", 1)
    assert found["errors"][0]["message"] == "of no use"
    assert fail(conn, held[0], cancel=[True]) == [("already", "cancelled")]


def test_a_cancelled_job_leaves_its_key_and_can_be_retried(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, unique_key="k", max_attempts=1)
    assert fail(conn, claim_one(conn), cancel=[True]) == [("ok", "cancelled")]
    assert outcomes(conn, "retry", job_id) == ["retried"]
    assert claim_one(conn).attempt == 2


def test_a_stale_claim_cancels_nothing(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    stale = held._replace(claim_id=held.claim_id ^ 1)
    assert fail(conn, stale, cancel=[True]) == [("lost", None)]
    assert state(conn, held.job_id) == "running"


@pytest.mark.slow
def test_a_job_that_is_named_twice_fails_once(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="0")
    held = claim_one(conn)
    assert fail(conn, held, held, messages=["a", "b"]) == [("ok", "ready")] * 2
    found = job(conn, held.job_id)
    assert (found["attempt"], len(found["errors"])) == (1, 1)


def test_a_mixed_batch_keeps_its_order(conn: psycopg.Connection) -> None:
    for options in ({"max_attempts": 1}, {"backoff": "0"}, {"backoff": "1 hour"}, {}):
        enqueue(conn, **options)
    held = claim(conn)
    outcomes(conn, "cancel", held[3].job_id)
    wrong = held[1]._replace(claim_id=held[1].claim_id ^ 1)
    answers = settle(conn, "fail_batch", [held[3], held[2], wrong, held[0]])
    assert [(answer["outcome"], answer["state"]) for answer in answers] == [
        ("cancelled", "cancelled"),
        ("ok", "scheduled"),
        ("lost", None),
        ("ok", "failed"),
    ]


@pytest.mark.slow
def test_an_infinite_retry_in_counts_for_nothing(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    enqueue(conn)
    assert fail(conn, claim_one(conn), retry_in=["infinity"]) == [("ok", "scheduled")]


def test_arguments_that_do_not_match_are_refused(conn: psycopg.Connection) -> None:
    with refused("JQ002"):
        rows(conn, "fail_batch", ids=[1], claim_ids=[])
    nothing: list[Row] = rows(conn, "fail_batch", ids=[], claim_ids=[])
    assert nothing == []


@pytest.mark.parametrize("kind", ["view", "view,foreign-table"])
def test_settles_read_no_view(conn: psycopg.Connection, kind: str) -> None:
    """A session may forbid itself to look into views, as pg_dump does."""
    setting = "restrict_nonsystem_relation_kind"
    if not scalar(conn, "select count(*) from pg_settings where name = %s", setting):
        pytest.skip("this server cannot restrict it")
    for _ in range(4):
        enqueue(conn)
    held = claim(conn, batch_size=4)
    conn.execute(f"set {setting} = '{kind}'".encode())
    calls = {
        "fail_batch": {"messages": ["no"]},
        "snooze_batch": {"delays": ["1 hour"]},
        "release_batch": {},
        "complete_batch": {"results": [json.dumps("\0")]},
    }
    found = []
    for (function, options), each in zip(calls.items(), held, strict=True):
        (answer,) = settle(conn, function, [each], **options)
        found.append(answer["outcome"])
    assert found == ["ok", "ok", "ok", "refused"]
