from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json, Jsonb

from tests.servers import Server
from tests.sql.calls import claim, claim_one, enqueue, job, refused, rows, scalar, state, value

OPTIONS = (
    *("args", "queue", "priority", "run_at", "delay", "max_attempts", "backoff", "timeout"),
    *("expires_in", "unique_key", "on_conflict", "headers"),
)
INFINITE = pytest.mark.parametrize("option", ["delay", "timeout", "expires_in"])


def test_a_job_has_the_defaults(conn: psycopg.Connection) -> None:
    found = job(conn, enqueue(conn, "email"))
    assert (found["state"], found["queue"], found["task"]) == ("ready", "default", "email")
    assert (found["priority"], found["attempt"], found["max_attempts"]) == (0, 0, 5)
    assert found["args"] == {}
    for name in ("headers", "timeout", "expires_at", "unique_key", "errors", "result"):
        assert found[name] is None
    assert found["run_at"] == found["created_at"]


def test_every_option_is_kept(conn: psycopg.Connection) -> None:
    job_id = enqueue(
        conn,
        "email",
        args='{"user_id": 1}',
        queue="mail",
        priority=-7,
        max_attempts=3,
        timeout="30 seconds",
        expires_in="1 hour",
        unique_key="user 1",
        on_conflict="raise",
        headers='{"trace": "abc"}',
    )
    found = job(conn, job_id)
    assert (found["queue"], found["priority"], found["max_attempts"]) == ("mail", -7, 3)
    assert found["timeout"] == timedelta(seconds=30)
    assert found["expires_at"] == found["run_at"] + timedelta(hours=1)
    assert (found["unique_key"], found["headers"]) == ("user 1", {"trace": "abc"})
    assert claim_one(conn).args == {"user_id": 1}


def test_null_means_the_default_of_every_option(conn: psycopg.Connection) -> None:
    nothing: dict[str, Any] = dict.fromkeys(OPTIONS)
    given = job(conn, enqueue(conn, **nothing))
    plain = job(conn, enqueue(conn))
    times = ("id", "run_at", "created_at", "ready_at")
    assert {**given, **dict.fromkeys(times)} == {**plain, **dict.fromkeys(times)}


def test_a_later_job_is_scheduled(conn: psycopg.Connection) -> None:
    delayed = job(conn, enqueue(conn, delay="5 minutes"))
    assert delayed["state"] == "scheduled"
    assert delayed["run_at"] == delayed["created_at"] + timedelta(minutes=5)
    at = datetime(2100, 1, 1, tzinfo=UTC)
    assert job(conn, enqueue(conn, run_at=at))["run_at"] == at
    assert state(conn, enqueue(conn, run_at=at)) == "scheduled"
    assert state(conn, enqueue(conn, run_at=datetime(2001, 1, 1, tzinfo=UTC))) == "ready"
    assert state(conn, enqueue(conn, delay="0")) == "ready"


@pytest.mark.parametrize(
    "args",
    [
        '{"a": 1}',
        Json({"a": 1}),
        Jsonb({"a": 1}),
        ' { "a" : 1 } ',
    ],
)
def test_args_come_as_text_json_or_jsonb(conn: psycopg.Connection, args: object) -> None:
    enqueue(conn, args=args)
    assert claim_one(conn).args == {"a": 1}


def test_args_may_be_an_array_or_a_row(conn: psycopg.Connection) -> None:
    enqueue(conn, args="[1, null, []]")
    assert claim_one(conn).args == [1, None, []]
    conn.execute("create table person (id int, name text)")
    conn.execute("insert into person values (1, 'Ada')")
    conn.execute("select pgq.enqueue('sync', person) from person")
    assert claim_one(conn).args == {"id": 1, "name": "Ada"}


def test_unicode_quotes_and_long_names(conn: psycopg.Connection) -> None:
    queue = 'größe\'s "λ" \\ \U0001f600 %s '.ljust(128, "é")
    task = "x" * 256
    key = "ключ" * 128
    job_id = enqueue(conn, task, queue=queue, unique_key=key, args='{"é\\ud83d\\ude00": "\'"}')
    claimed = claim_one(conn, queues=[queue])
    assert (claimed.job_id, claimed.queue, claimed.task) == (job_id, queue, task)
    assert claimed.args == {"é\U0001f600": "'"}


@pytest.mark.slow
def test_args_up_to_the_limit(conn: psycopg.Connection) -> None:
    largest = 1 << 20
    fixed = scalar(conn, """select pg_column_size('{"a": ""}'::jsonb)""")
    enqueue(conn, args=json.dumps({"a": "x" * (largest - fixed)}))
    assert len(claim_one(conn).args["a"]) == largest - fixed
    with refused("JQ001", "args take"):
        enqueue(conn, args=json.dumps({"a": "x" * (largest - fixed + 1)}))
    with refused("JQ001", "headers take"):
        enqueue(conn, headers=json.dumps({"a": "x" * largest}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task": ""}, "task is empty"),
        ({"task": None}, "task is empty"),
        ({"task": "x" * 257}, "task is longer"),
        ({"queue": ""}, "queue is empty"),
        ({"queue": "q" * 129}, "queue is longer"),
        ({"args": "1"}, "args are a JSON number"),
        ({"args": '"text"'}, "args are a JSON string"),
        ({"args": "null"}, "args are a JSON null"),
        ({"args": Jsonb(True)}, "args are a JSON boolean"),
        ({"args": 1}, "args are a JSON number"),
        ({"args": "{"}, "args is not valid JSON"),
        ({"args": ""}, "args is not valid JSON"),
        ({"args": "NaN"}, "args is not valid JSON"),
        ({"args": '{"a": NaN}'}, "args is not valid JSON"),
        ({"args": '{"a": "\\u0000"}'}, "NUL"),
        ({"args": Json({"a": "\0"})}, "NUL"),
        ({"args": '{"a": "\\ud800"}'}, "args is not valid JSON"),
        ({"args": "[" * 200_000}, "args is not valid JSON"),
        ({"headers": "[]"}, "headers are a JSON array"),
        ({"headers": "{"}, "headers is not valid JSON"),
        ({"priority": 1 << 31}, "priority is out of range"),
        ({"priority": -(1 << 31) - 1}, "priority is out of range"),
        ({"delay": "-1 second"}, "delay is negative"),
        ({"delay": "101 years"}, "delay is negative"),
        ({"run_at": datetime(2100, 1, 1, tzinfo=UTC), "delay": "1 s"}, "both run_at and delay"),
        ({"run_at": "infinity"}, "run_at is out of range"),
        ({"run_at": "-infinity"}, "run_at is out of range"),
        ({"run_at": "9999-12-31"}, "run_at is out of range"),
        ({"run_at": "1999-12-31"}, "run_at is out of range"),
        ({"max_attempts": 0}, "max_attempts is 0"),
        ({"max_attempts": -(1 << 62)}, "max_attempts is"),
        ({"max_attempts": 1_000_001}, "max_attempts is"),
        ({"timeout": "0"}, "timeout is not positive"),
        ({"timeout": "-1 second"}, "timeout is not positive"),
        ({"timeout": "2 years"}, "timeout is not positive"),
        ({"expires_in": "0"}, "expires_in is not positive"),
        ({"expires_in": "-1 day"}, "expires_in is not positive"),
        ({"unique_key": ""}, "unique_key is empty"),
        ({"unique_key": "k" * 513}, "unique_key is longer"),
        ({"unique_key": "k", "on_conflict": "ignore"}, "on_conflict is ignore"),
        ({"on_conflict": "raise"}, "on_conflict is given without unique_key"),
        ({"backoff": "sometimes"}, "backoff is not understood"),
    ],
    ids=lambda option: str(option)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], words: str) -> None:
    with refused("JQ001", words):
        enqueue(conn, **{"task": "work", **options})
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@INFINITE
def test_infinite_intervals_are_refused(
    conn: psycopg.Connection, server: Server, option: str
) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    for infinity in ("infinity", "-infinity"):
        with refused("JQ001", option):
            enqueue(conn, **{option: infinity})


def test_the_largest_values_that_are_taken_can_be_read(conn: psycopg.Connection) -> None:
    enqueue(conn, priority=-(1 << 31), max_attempts=1_000_000, timeout="1 year")
    enqueue(conn, priority=(1 << 31) - 1, expires_in="100 years")
    priorities = [job(conn, claimed.job_id)["priority"] for claimed in claim(conn)]
    assert priorities == [-(1 << 31), (1 << 31) - 1]
    last = enqueue(conn, run_at="9997-12-31 23:59:59+00")
    assert job(conn, last)["run_at"] == datetime(9997, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.slow
def test_a_late_expiry_can_be_read(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, run_at="9997-12-31Z", expires_in="12 hours")
    assert job(conn, job_id)["expires_at"] == datetime(9997, 12, 31, 12, tzinfo=UTC)
    job_id = enqueue(conn, run_at="9997-12-31Z", expires_in="100 years")
    assert job(conn, job_id)["expires_at"] == datetime(9998, 1, 1, tzinfo=UTC)


@pytest.mark.slow
def test_a_job_exists_with_its_transaction(conn: psycopg.Connection) -> None:
    with conn.transaction(force_rollback=True):
        job_id = enqueue(conn)
        assert state(conn, job_id) == "ready"
    assert state(conn, job_id) is None


@pytest.mark.parametrize(
    ("backoff", "stored"),
    [
        ("constant", {"kind": "constant", "base": 2, "cap": 3600, "jitter": 0.1}),
        ("linear", {"kind": "linear", "base": 2, "cap": 3600, "jitter": 0.1}),
        ("exponential", {"kind": "exponential", "base": 2, "cap": 3600, "jitter": 0.1}),
        ("30 seconds", {"kind": "constant", "base": 30, "cap": 3600, "jitter": 0}),
        ("7", {"kind": "constant", "base": 7, "cap": 3600, "jitter": 0}),
        ('["10s", 20, "1m"]', {"kind": "list", "delays": [10, 20, 60]}),
        ('{"base": "5s"}', {"kind": "exponential", "base": 5}),
        ('{"kind": "linear", "base": 1, "cap": "1h", "jitter": 0}', {"cap": 3600, "jitter": 0}),
    ],
)
def test_backoffs(conn: psycopg.Connection, backoff: str, stored: dict[str, object]) -> None:
    enqueue(conn, backoff=backoff)
    found = scalar(conn, "select backoff from pgq.jobs")
    assert found == {**found, **stored}


@pytest.mark.slow
@pytest.mark.parametrize(
    "backoff",
    [
        "",
        "{",
        "[",
        "[]",
        "[null]",
        '["-1s"]',
        '["2 years"]',
        json.dumps([1] * 101),
        '{"kind": "random"}',
        '{"kind": 1}',
        '{"base": "-1"}',
        '{"base": "NaN"}',
        '{"cap": "2 years"}',
        '{"jitter": 1.5}',
        '{"jitter": "x"}',
        '{"jitter": "NaN"}',
        '{"kind": "list"}',
        '{"kind": "list", "delays": {}}',
        '{"basis": 1}',
        "-5 seconds",
        "infinity",
        "9999999999 years",
        "[" * 100_000,
    ],
    ids=lambda backoff: backoff[:20],
)
def test_backoffs_that_are_refused(conn: psycopg.Connection, backoff: str) -> None:
    with refused("JQ001", "backoff is not understood"):
        enqueue(conn, backoff=backoff)


def test_return_is_the_default_for_a_taken_key(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k", args="[1]")
    assert enqueue(conn, unique_key="k", args="[2]") == owner
    assert enqueue(conn, unique_key="k", on_conflict="return", queue="elsewhere") == owner
    assert enqueue(conn, unique_key="other") != owner
    assert claim_one(conn, queues=["default"]).args == [1]


def test_raise_names_the_owner(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    with pytest.raises(psycopg.Error) as caught:
        enqueue(conn, unique_key="k", on_conflict="raise")
    assert caught.value.sqlstate == "JQ003"
    assert str(owner) in (caught.value.diag.message_detail or "")
    assert caught.value.diag.message_hint


def test_replace_gives_a_waiting_owner_everything(conn: psycopg.Connection) -> None:
    options = {
        "queue": "b",
        "priority": 9,
        "args": "[2]",
        "max_attempts": 2,
        "timeout": "1 second",
        "headers": '{"h": 1}',
        "expires_in": "1 hour",
    }
    owner = enqueue(conn, "old", unique_key="k", delay="1 hour", queue="a")
    assert enqueue(conn, "new", unique_key="k", on_conflict="replace", **options) == owner
    found = job(conn, owner)
    assert (found["state"], found["task"], found["queue"]) == ("ready", "new", "b")
    assert (found["priority"], found["args"], found["max_attempts"]) == (9, [2], 2)
    assert (found["headers"], found["timeout"]) == ({"h": 1}, timedelta(seconds=1))
    assert enqueue(conn, unique_key="k", on_conflict="replace", delay="1 hour") == owner
    assert state(conn, owner) == "scheduled"


def test_bump_takes_the_earlier_time_and_the_better_priority(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, "old", unique_key="k", delay="1 hour", priority=5)
    again = {"unique_key": "k", "on_conflict": "bump"}
    enqueue(conn, "new", args="[1]", delay="2 hours", priority=9, **again)
    found = job(conn, owner)
    assert (found["priority"], found["task"], found["args"]) == (5, "old", {})
    assert found["run_at"] == found["created_at"] + timedelta(hours=1)
    enqueue(conn, "new", priority=1, **again)
    found = job(conn, owner)
    assert (found["state"], found["priority"], found["task"]) == ("ready", 1, "old")


@pytest.mark.parametrize("how", ["return", "replace", "bump"])
def test_a_running_owner_is_left_alone(conn: psycopg.Connection, how: str) -> None:
    owner = enqueue(conn, unique_key="k", args="[1]", priority=5)
    claim_one(conn)
    assert enqueue(conn, unique_key="k", args="[2]", priority=1, on_conflict=how) == owner
    found = job(conn, owner)
    assert (found["state"], found["args"], found["priority"]) == ("running", [1], 5)


def test_a_key_is_free_when_its_job_has_ended(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    held = claim_one(conn)
    rows(conn, "complete_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    assert enqueue(conn, unique_key="k") != owner


def test_replace_starts_the_attempts_anew(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k", max_attempts=2, backoff="1 hour")
    held = claim_one(conn)
    rows(conn, "fail_batch", ids=[held.job_id], claim_ids=[held.claim_id], messages=["boom"])
    assert job(conn, owner)["attempt"] == 1
    value(conn, "enqueue", task="work", unique_key="k", on_conflict="replace", max_attempts=1)
    found = job(conn, owner)
    assert (found["attempt"], found["errors"], found["state"]) == (0, None, "ready")
    assert claim_one(conn).attempt == 1
