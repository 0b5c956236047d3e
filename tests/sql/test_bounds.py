"""What jsonb holds and clients cannot read is refused; one bad element never harms another."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    job,
    refused,
    rows,
    scalar,
    settle,
    state,
    value,
    violations,
)

REFUSED = {
    "exponent": "[1e5000]",
    "negative": "[-1e309]",
    "above the largest double": "[1.7976931348623158e308]",
    "digits": f"[{'9' * 309}]",
    "many digits": f"[{'9' * 5000}]",
    "deep arrays": "[" * 65 + "]" * 65,
    "deep objects": '{"a": ' * 65 + "1" + "}" * 65,
    "far inside": json.dumps([{"n": n} for n in range(100)])[:-1] + ', {"x": [1e400]}]',
    "no numeric": "[1e400000]",
}
TAKEN = {
    "largest double": "[1.7976931348623157e308]",
    "smallest double": "[5e-324]",
    "zero": "[0e5000, -0.0]",
    "tiny, which every client reads as zero": "[1e-5000, -1e-401]",
    "digits in text": json.dumps(["7" * 5000, "1." + "0" * 400]),
    "64 arrays": "[" * 64 + "1" + "]" * 64,
    "64 objects": '{"a": ' * 64 + "1" + "}" * 64,
    "wide": json.dumps([[n, {"a": [n]}] for n in range(2000)]),
    "fraction": f"[0.{'3' * 1000}]",
}


def doors(conn: psycopg.Connection) -> dict[str, Callable[[str], Any]]:
    """Return every way by which JSON of others comes in and is read by others later."""
    one = {"task": "work", "args": []}

    def many(**options: str) -> Callable[[str], Any]:
        def put(text: str) -> Any:
            other = ", ".join(f'"{name}": {text}' for name in options)
            jobs = f'[{{"task": "first"}}, {{"task": "work", "queue": "q", {other}}}]'
            return rows(conn, "enqueue_many", jobs=jobs)

        return put

    def typed(text: str) -> Any:
        return scalar(conn, "select pgq.enqueue('work', %s::jsonb)", text)

    return {
        "args": lambda text: enqueue(conn, args=text),
        "args as jsonb": typed,
        "args with options": lambda text: enqueue(conn, args=text, priority=3),
        "headers": lambda text: enqueue(conn, headers=f'{{"h": {text[1:-1] or text}}}'),
        "many": many(args=""),
        "many with options": many(args="", priority=""),
        "schedule": lambda text: value(
            conn, "schedule", name="s", task="work", every="1 hour", args=text
        ),
        "sync": lambda text: rows(
            conn,
            "sync_schedules",
            source="code",
            schedules=f'[{{"name": "s", "task": "work", "every": "1 hour", "args": {text}}}]',
        ),
        "follower": lambda text: value(
            conn, "create_batch", on_finish=json.dumps(one).replace("[]", text)
        ),
    }


DOORS = (
    *("args", "args as jsonb", "args with options", "headers", "many", "schedule", "sync"),
    "follower",
)


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("door", DOORS)
def test_what_no_client_could_read_is_refused(
    conn: psycopg.Connection, door: str, what: str
) -> None:
    text = REFUSED[what]
    if door == "headers" and "deep" in what:
        text = f"[{text}]"
    if door == "args as jsonb" and what == "no numeric":
        return
    with pytest.raises(psycopg.Error) as caught:
        doors(conn)[door](text)
    assert caught.value.sqlstate in {"JQ001", "JQ002"}, caught.value
    assert caught.value.diag.message_hint
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.parametrize("what", TAKEN)
def test_what_every_client_reads_is_taken(conn: psycopg.Connection, what: str) -> None:
    enqueue(conn, args=TAKEN[what])
    enqueue(conn, args=TAKEN[what], priority=2)
    expected = json.loads(TAKEN[what])
    for held in claim(conn):
        assert held.args == expected or [float(each) for each in held.args] == expected


def test_a_compressed_value_is_looked_at_as_a_whole(conn: psycopg.Connection) -> None:
    conn.execute("create table other (args jsonb)")
    conn.execute("insert into other values (%s)", ("[" * 1000 + "]" * 1000,))
    with refused("JQ001", "args have more than 64 levels"):
        conn.execute("select pgq.enqueue('work', args) from other")


def test_the_bounds_are_said(conn: psycopg.Connection) -> None:
    with refused("JQ001", "args have a number beyond 1.8e308"):
        enqueue(conn, args="[1e400]")
    with refused("JQ001", "args have more than 64 levels"):
        enqueue(conn, args="[" * 65 + "]" * 65)


def test_enqueue_many_names_the_bad_job(conn: psycopg.Connection) -> None:
    for bad in ('"priority": "x"', '"args": [1e5000]', '"priority": 3, "args": 5'):
        jobs = f'[{{"task": "good"}}, {{"task": "bad", {bad}}}, {{"task": "other", {bad}}}]'
        with pytest.raises(psycopg.Error) as caught:
            rows(conn, "enqueue_many", jobs=jobs)
        assert caught.value.sqlstate == "JQ001"
        assert str(caught.value.diag.message_primary).startswith("job 2: "), caught.value
        assert caught.value.diag.message_detail == "Its task is bad."


BAD_RESULTS = [*REFUSED.values(), "{", "", '"\\u0000"', "NaN"]


@pytest.mark.parametrize("result", BAD_RESULTS, ids=[*REFUSED, "cut", "empty", "NUL", "NaN"])
def test_a_bad_result_fails_its_job_alone(conn: psycopg.Connection, result: str) -> None:
    ids = [enqueue(conn, max_attempts=n) for n in (1, 1, 2, 1)]
    held = claim(conn)
    conn.execute("select pgq.cancel(array[%s::bigint])", (ids[2],))
    assert complete(conn, *held, results=["1", result, result, None]) == [
        "ok",
        "refused",
        "cancelled",
        "ok",
    ]
    assert [state(conn, each) for each in ids] == ["succeeded", "failed", "cancelled", "succeeded"]
    assert job(conn, ids[0])["result"] == 1
    (error,) = job(conn, ids[1])["errors"]
    assert error["type"] == "InvalidResult"
    assert error["message"].startswith("the result cannot be stored: ")
    assert violations(conn) == []


def test_a_refused_result_leaves_attempts_and_answers_once(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    lost = held._replace(claim_id=held.claim_id + 1)
    assert complete(conn, lost, results=["{"]) == ["lost"]
    assert complete(conn, held, results=["{"]) == ["refused"]
    assert state(conn, job_id) == "scheduled"
    assert complete(conn, held, results=["{"]) == ["already"]


@pytest.mark.slow
def test_a_result_that_jsonb_cannot_hold_fails_its_job_alone(conn: psycopg.Connection) -> None:
    ids = [enqueue(conn) for _ in range(3)]
    too_long = f'"{"x" * (65 << 20)}"'
    assert complete(conn, *claim(conn), results=["1", too_long, "2"]) == ["ok", "refused", "ok"]
    (error,) = job(conn, ids[1])["errors"]
    assert "more than 67108864" in error["message"]


@pytest.mark.parametrize("progress", [*REFUSED.values(), f'"{" " * (2 << 20)}"'])
def test_progress_that_nobody_could_read_is_refused(
    conn: psycopg.Connection, progress: str
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    with pytest.raises(psycopg.Error) as caught:
        value(
            conn,
            "set_progress",
            job_id=held.job_id,
            claim_id=held.claim_id,
            progress=progress,
        )
    assert caught.value.sqlstate in {"JQ001", "JQ002"}


BAD_DELAYS = [None, "-1 s", "101 years"]


@pytest.mark.parametrize("delay", BAD_DELAYS)
def test_a_bad_delay_fails_its_job_alone(conn: psycopg.Connection, delay: str | None) -> None:
    ids = [enqueue(conn, max_attempts=1) for _ in range(3)]
    answers = settle(conn, "snooze_batch", claim(conn), delays=["1 s", delay, "1 hour"])
    assert [answer["outcome"] for answer in answers] == ["ok", "refused", "ok"]
    assert [answer["job_id"] for answer in answers] == ids
    assert [state(conn, each) for each in ids] == ["scheduled", "failed", "scheduled"]
    assert job(conn, ids[1])["errors"][0]["type"] == "InvalidDelay"


@pytest.mark.slow
@pytest.mark.parametrize("delay", BAD_DELAYS)
def test_a_failure_is_noted_whatever_its_delay_is(
    conn: psycopg.Connection, delay: str | None
) -> None:
    ids = [enqueue(conn) for _ in range(2)]
    answers = settle(conn, "fail_batch", claim(conn), retry_in=[delay, "1 hour"])
    assert [answer["outcome"] for answer in answers] == ["ok", "ok"]
    assert [state(conn, each) for each in ids] == ["scheduled", "scheduled"]
    backoff = answers[0]["run_at"] - job(conn, ids[0])["created_at"]
    assert 1 < backoff.total_seconds() < 30
