"""on_conflict => 'merge', and max_wait, which bounds how far a waiting job is put off."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    job,
    refused,
    rows,
    scalar,
    settle,
    value,
    violations,
)


def merge(conn: psycopg.Connection, args: object, **options: Any) -> int:
    given = {"unique_key": "k", "on_conflict": "merge", "unique_while": "queued", **options}
    return enqueue(conn, args=json.dumps(args), **given)


def wait(conn: psycopg.Connection, job_id: int) -> timedelta:
    found = job(conn, job_id)
    waiting: timedelta = found["run_at"] - found["created_at"]
    return waiting


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ({"a": [1]}, {"a": [2, 3]}, {"a": [1, 2, 3]}),
        ({"a": [1], "b": 1}, {"a": [1], "c": 2}, {"a": [1, 1], "b": 1, "c": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": [1]}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": [2]}, {"a": [2]}),
        ({"a": [[1]]}, {"a": [[2]]}, {"a": [[1], [2]]}),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, {"a": {"b": [2]}}),
        ({"a": []}, {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
        ({"a": [1]}, {"a": []}, {"a": [1]}),
        ({}, {"a": [None]}, {"a": [None]}),
        ({"args": [1]}, {"args": [2]}, {"args": [1, 2]}),
    ],
)
def test_lists_are_appended_and_the_rest_is_new(
    conn: psycopg.Connection, first: Any, second: Any, merged: Any
) -> None:
    owner = merge(conn, first)
    assert merge(conn, second) == owner
    assert job(conn, owner)["args"] == merged
    both = [{"task": "m", "args": args, "unique_key": "m", "on_conflict": "merge"}
            for args in (first, second)]  # fmt: skip
    (many, created), again = enqueue_many(conn, *both)
    assert (created, again) == (True, (many, False))
    assert job(conn, many)["args"] == merged
    assert violations(conn) == []


def test_everything_else_is_replaced(conn: psycopg.Connection) -> None:
    owner = merge(conn, {"a": [1]}, delay="1 hour", priority=5, max_attempts=1)
    assert merge(conn, {"a": [2]}, priority=2, queue="q", headers='{"h": 1}') == owner
    found = job(conn, owner)
    assert (found["state"], found["priority"], found["queue"]) == ("ready", 2, "q")
    assert (found["max_attempts"], found["headers"], found["args"]) == (5, {"h": 1}, {"a": [1, 2]})


def test_a_job_that_runs_has_no_key_and_a_retry_keeps_its_elements(
    conn: psycopg.Connection,
) -> None:
    owner = merge(conn, {"a": [1]}, backoff="0")
    held = claim_one(conn)
    second = merge(conn, {"a": [2]})
    assert second != owner
    settle(conn, "fail_batch", [held])
    assert merge(conn, {"a": [3]}) == second
    assert (job(conn, owner)["args"], job(conn, second)["args"]) == ({"a": [1]}, {"a": [2, 3]})


@pytest.mark.parametrize("bulk", [False, True])
def test_no_element_is_lost_in_silence(conn: psycopg.Connection, bulk: bool) -> None:
    def again() -> object:
        options = {"unique_key": "k", "on_conflict": "merge"}
        if bulk:
            return enqueue_many(conn, {"task": "work", "args": {"a": [2]}, **options})
        return enqueue(conn, args='{"a": [2]}', **options)

    owner = enqueue(conn, args='{"a": [1]}', unique_key="k", unique_for="1 hour")
    again()
    held = claim_one(conn)
    with refused("JQ003", "unique_key is taken: k"):
        again()
    assert complete(conn, held) == ["ok"]
    with refused("JQ003"):
        again()
    value(conn, "release_unique_key", unique_key="k")
    again()
    assert scalar(conn, "select count(*) from pgq.jobs") == 1
    assert held.args == {"a": [1, 2]} and held.job_id == owner


def test_what_cannot_be_merged(conn: psycopg.Connection) -> None:
    for args in ([1], {"args": [1], "kwargs": {}}):
        with refused("JQ001", "on_conflict is merge, but the args have no names"):
            merge(conn, args)
        with refused("JQ001", "job 1: on_conflict is merge"):
            enqueue_many(
                conn, {"task": "a", "args": args, "unique_key": "k", "on_conflict": "merge"}
            )
    owner = enqueue(conn, args="[1]", unique_key="k")
    with refused("JQ001", f"nothing is merged into job {owner}: args without names"):
        merge(conn, {"a": [1]})
    with refused("JQ001", "the unique_key belongs to a job of task work"):
        enqueue(conn, "other", unique_key="k", on_conflict="merge")
    with refused("JQ001", "both depends_on and on_conflict => merge are given"):
        enqueue(conn, unique_key="l", on_conflict="merge", depends_on=[owner])
    assert job(conn, owner)["args"] == [1]
    assert rows(conn, "verify") == []


def test_merged_args_have_a_bound(conn: psycopg.Connection) -> None:
    value(conn, "configure", max_args_bytes=1000)
    words = ["x" * 100] * 4
    owner = merge(conn, {"a": words})
    assert merge(conn, {"a": words}) == owner
    with refused("JQ001", f"nothing is merged into job {owner}: args take"):
        merge(conn, {"a": words})
    assert job(conn, owner)["args"] == {"a": words * 2}
    assert claim_one(conn).args == {"a": words * 2}
    assert merge(conn, {"a": words}) != owner


@pytest.mark.parametrize("how", ["replace", "merge"])
@pytest.mark.parametrize("bulk", [False, True])
def test_a_job_is_put_off_to_its_max_wait_and_no_further(
    conn: psycopg.Connection, travel: Travel, how: str, bulk: bool
) -> None:
    options = {
        "unique_key": "k",
        "on_conflict": how,
        "unique_while": "queued",
        "delay": "5 minutes",
        "max_wait": "12 minutes",
        "expires_in": "1 minute",
    }

    def again(**more: Any) -> int:
        if bulk:
            ((job_id, _),) = enqueue_many(conn, {"task": "work", **options, **more})
            return job_id
        return enqueue(conn, **options, **more)

    owner = again()
    for minutes in (5, 9, 12, 12):
        assert again() == owner
        assert abs(wait(conn, owner) - timedelta(minutes=minutes)) < timedelta(seconds=30)
        found = job(conn, owner)
        assert found["expires_at"] - found["run_at"] == timedelta(minutes=1)
        travel("4 minutes")
    assert again() == owner
    assert job(conn, owner)["state"] == "ready"
    assert claim_one(conn).job_id == owner
    assert again() != owner
    assert rows(conn, "verify") == []


def test_a_max_wait_counts_for_the_first_enqueue_too(conn: psycopg.Connection) -> None:
    options: dict[str, Any] = {"unique_key": "k", "on_conflict": "replace", "delay": "1 hour"}
    owner = enqueue(conn, max_wait="1 minute", **options)
    assert wait(conn, owner) == timedelta(minutes=1)
    assert enqueue(conn, **options) == owner
    assert wait(conn, owner) > timedelta(minutes=59)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_wait": "1 hour"}, "max_wait is given without on_conflict"),
        ({"max_wait": "1 hour", "unique_key": "k"}, "max_wait is given without on_conflict"),
        ({"max_wait": "1 hour", "unique_key": "k", "on_conflict": "bump"}, "max_wait is given"),
        (
            {"max_wait": "0", "unique_key": "k", "on_conflict": "replace"},
            "max_wait is not positive",
        ),
        (
            {"max_wait": "-1 h", "unique_key": "k", "on_conflict": "merge"},
            "max_wait is not positive",
        ),
        (
            {"max_wait": "101 years", "unique_key": "k", "on_conflict": "merge"},
            "max_wait is not positive",
        ),
        ({"on_conflict": "merge"}, "on_conflict is given without unique_key"),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], words: str) -> None:
    with refused("JQ001", words):
        enqueue(conn, **options)
    with refused("JQ001", f"job 2: {words}"):
        enqueue_many(conn, {"task": "a"}, {"task": "b", **options})
    assert scalar(conn, "select count(*) from pgq.jobs") == 0
