from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json, Jsonb

from tests.servers import Server
from tests.sql.calls import claim, claim_one, enqueue, enqueue_many, job, refused, rows, scalar

OPTIONS = (
    *("args", "queue", "priority", "run_at", "delay", "max_attempts", "backoff", "timeout"),
    *("expires_in", "unique_key", "on_conflict", "headers"),
)


def test_answers_in_the_order_of_the_jobs(conn: psycopg.Connection) -> None:
    made = enqueue_many(conn, {"task": "a"}, {"task": "b", "unique_key": "k"}, {"task": "c"})
    assert [created for _, created in made] == [True, True, True]
    assert [job(conn, job_id)["task"] for job_id, _ in made] == ["a", "b", "c"]


def test_a_job_has_the_options_of_enqueue(conn: psycopg.Connection) -> None:
    options = {
        "task": "email",
        "args": {"user_id": 1},
        "queue": "mail",
        "priority": 3,
        "delay": "1 hour",
        "max_attempts": 2,
        "backoff": {"kind": "linear", "base": "1s"},
        "timeout": "30 s",
        "expires_in": "2 hours",
        "unique_key": "k",
        "on_conflict": "raise",
        "headers": {"trace": "x"},
    }
    many = job(conn, enqueue_many(conn, {**options, "unique_key": "k2"})[0][0])
    texts: dict[str, Any] = {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in options.items()
    }
    one = job(conn, enqueue(conn, **texts))
    different = ("id", "run_at", "created_at", "expires_at", "unique_key")
    assert {**many, **dict.fromkeys(different)} == {**one, **dict.fromkeys(different)}
    backoffs = "select count(distinct backoff) from pgq.jobs"
    assert scalar(conn, backoffs) == 1


def test_null_is_the_default(conn: psycopg.Connection) -> None:
    made = enqueue_many(conn, {"task": "a", **dict.fromkeys(OPTIONS)})
    found = job(conn, made[0][0])
    assert (found["queue"], found["args"], found["headers"]) == ("default", {}, None)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [Json, Jsonb, json.dumps])
def test_jobs_come_as_text_json_or_jsonb(conn: psycopg.Connection, wrap: type) -> None:
    answers = rows(conn, "enqueue_many", jobs=wrap([{"task": "a", "args": [1]}]))
    assert [answer["created"] for answer in answers] == [True]
    assert claim_one(conn).args == [1]


def test_no_jobs_are_fine(conn: psycopg.Connection) -> None:
    assert enqueue_many(conn) == []


def test_numbers_and_texts_mean_the_same(conn: psycopg.Connection) -> None:
    made = enqueue_many(
        conn,
        {"task": "a", "priority": "3", "timeout": 30, "backoff": 5, "run_at": "2100-01-01"},
        {"task": "a", "priority": 3, "timeout": "30", "backoff": "5", "run_at": "2100-01-01"},
    )
    texts, numbers = (job(conn, job_id) for job_id, _ in made)
    assert {**texts, "id": 0} == {**numbers, "id": 0}


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ("{}", "not a JSON array"),
        ("null", "not a JSON array"),
        ("[1]", "job 1: is a JSON number"),
        ("[[]]", "job 1: is a JSON array"),
        ("[null]", "job 1: is a JSON null"),
        ('[{"task": "a"}, {}]', "job 2: task is empty"),
        ('[{"task": "a"}, {"task": ""}]', "job 2: task is empty"),
        ('[{"task": "a", "prio": 1}]', "job 1: prio is not an option"),
        ('[{"task": "a", "args": 1}]', "job 1: args are a JSON number"),
        ('[{"task": "a", "max_attempts": 0}]', "job 1: max_attempts is 0"),
        ('[{"task": "a", "delay": "-1 s"}]', "job 1: delay is negative"),
        ('[{"task": "a", "unique_key": ""}]', "job 1: unique_key is empty"),
        ('[{"task": "a", "args": {"a": "\\u0000"}}]', "NUL"),
        ('[{"task": "a"', "not valid JSON"),
        ('[{"task": "a", "backoff": "often"}]', "backoff is not understood"),
        ('[{"task": "a", "unique_key": "k", "backoff": "often"}]', "backoff is not understood"),
        ('[{"task": "a"}, {"task": "a", "priority": "x"}]', "option of the wrong type"),
        ('[{"task": "a", "priority": 1.5}]', "option of the wrong type"),
        ('[{"task": "a", "priority": 1e30}]', "option of the wrong type"),
        ('[{"task": "a", "run_at": "soon"}]', "option of the wrong type"),
        ('[{"task": "a", "delay": "a while"}]', "option of the wrong type"),
        ('[{"task": "a", "delay": "infinity"}]', ""),
        ('[{"task": "a", "timeout": "9999999999 years"}]', "option of the wrong type"),
    ],
    ids=lambda text: text[:50],
)
def test_what_is_refused(conn: psycopg.Connection, jobs: str, words: str) -> None:
    with refused("JQ001", words):
        rows(conn, "enqueue_many", jobs=jobs)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


def test_null_is_refused(conn: psycopg.Connection) -> None:
    with refused("JQ001", "not a JSON array"):
        rows(conn, "enqueue_many", jobs=None)


@pytest.mark.slow
def test_infinite_intervals_are_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ001", "job 1: timeout"):
        enqueue_many(conn, {"task": "a", "timeout": "infinity"})


@pytest.mark.slow
def test_all_or_none(conn: psycopg.Connection) -> None:
    enqueue(conn, unique_key="k")
    with refused("JQ003"):
        enqueue_many(conn, {"task": "a"}, {"task": "b", "unique_key": "k", "on_conflict": "raise"})
    assert scalar(conn, "select count(*) from pgq.jobs") == 1


def test_taken_keys_answer_their_owner(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    made = enqueue_many(
        conn,
        {"task": "a", "unique_key": "k"},
        {"task": "b", "unique_key": "new"},
        {"task": "c", "unique_key": "new"},
        {"task": "d"},
    )
    assert made[0] == (owner, False)
    assert made[1][1] is True
    assert made[2] == (made[1][0], False)
    assert made[3][1] is True
    assert len({job_id for job_id, _ in made}) == 3


def test_a_twin_in_the_same_call_may_replace(conn: psycopg.Connection) -> None:
    made = enqueue_many(
        conn,
        {"task": "a", "unique_key": "k"},
        {"task": "b", "unique_key": "k", "on_conflict": "replace", "delay": "1 hour"},
    )
    assert made[0][0] == made[1][0]
    found = job(conn, made[0][0])
    assert (found["task"], found["state"]) == ("b", "scheduled")


@pytest.mark.newest
@pytest.mark.slow
def test_a_hundred_thousand_jobs_in_one_call(conn: psycopg.Connection) -> None:
    jobs = [{"task": "a", "args": [number], "priority": number % 3} for number in range(100_000)]
    made = enqueue_many(conn, *jobs)
    assert len(made) == 100_000 and all(created for _, created in made)
    ids = [job_id for job_id, _ in made]
    assert ids == sorted(set(ids))
    assert scalar(conn, "select count(*) from pgq.ready") == 100_000
    first, *_ = claim(conn, batch_size=1)
    assert (first.job_id, first.args) == (ids[0], [0])


def test_each_job_has_its_own_backoff(conn: psycopg.Connection) -> None:
    given: list[Any] = ["5s", None, {"kind": "linear", "base": "1s"}, ["1s", "1m"], "5s", 5]
    jobs: list[dict[str, Any]] = [{"task": "a", "backoff": backoff} for backoff in given]
    jobs += [{**each, "unique_key": f"k {place}"} for place, each in enumerate(jobs)]
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]
    found = dict(conn.execute("select id, backoff from pgq.jobs").fetchall())
    stored = [found[job_id] for job_id in ids]
    assert stored[:6] == stored[6:]
    assert stored[1] is None
    assert stored[0] == stored[4] == stored[5]
    assert [stored[0]["kind"], stored[2]["kind"]] == ["constant", "linear"]
    assert stored[3]["delays"] == [1, 60]


def test_plain_jobs_are_stored_like_those_with_options(conn: psycopg.Connection) -> None:
    plain: list[dict[str, Any]] = [
        {"task": "a"},
        {"task": "b", "args": None, "queue": None},
        {"task": "c", "args": [1, {"n": None}], "queue": "mail"},
    ]
    ids = [
        [job_id for job_id, created in enqueue_many(conn, *jobs) if created]
        for jobs in (plain, [{**each, "priority": 0} for each in plain])
    ]
    assert [len(each) for each in ids] == [3, 3]
    for lane in ("jobs", "ready"):
        key = "id" if lane == "jobs" else "job_id"
        stored = [
            conn.execute(
                f"select to_jsonb(lane) - %s::text[] from pgq.{lane} as lane"
                f" where {key} = any(%s) order by {key}".encode(),
                (["id", "job_id", "created_at", "run_at", "ready_at", "ready_xid"], each),
            ).fetchall()
            for each in ids
        ]
        assert stored[0] == stored[1]
        assert len(stored[0]) == 3


@pytest.mark.parametrize("extra", [{}, {"priority": 0}], ids=["plain", "with options"])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"task": ""}, "job 2: task is empty"),
        ({"queue": "q" * 129}, "job 2: queue is longer"),
        ({"args": 5}, "job 2: args are a JSON number"),
    ],
)
def test_the_first_wrong_job_is_named_and_none_is_stored(
    extra: dict[str, Any], wrong: dict[str, Any], message: str, conn: psycopg.Connection
) -> None:
    good = {"task": "a", **extra}
    with pytest.raises(psycopg.Error, match=message) as caught:
        enqueue_many(conn, good, {**good, **wrong}, good, {**good, "task": None})
    assert caught.value.sqlstate == "JQ001"
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.slow
@pytest.mark.parametrize("before", [{}, {"a": 1}, {"n": 1.5, "b": [1, 2]}, {"z": {"q": "é"}}])
def test_args_have_one_size_with_options_and_without(
    before: dict[str, Any], conn: psycopg.Connection
) -> None:
    rows(conn, "configure", max_args_bytes=1024)
    refusals = set()
    for length in range(940, 1025):
        answers = []
        for options in ({}, {"priority": 0}):
            job_given = {"task": "a", "args": {**before, "s": "x" * length}, **options}
            try:
                answers.append(len(enqueue_many(conn, job_given)))
            except psycopg.Error as error:
                answers.append(error.diag.message_primary)
        assert answers[0] == answers[1]
        refusals.add(answers[0] != 1)
    assert refusals == {False, True}
