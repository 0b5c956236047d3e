"""What the code of a program declares for its tasks, beside what operators say."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.sql.calls import Row, enqueue, refused, rows, scalar, value

SEND = {"task": "send", "options": {"queue": "mail", "timeout": "30 seconds"}}
JOB = "select queue, concurrency ->> 'key' from pgq.jobs where id = %s"


def sync(conn: psycopg.Connection, *tasks: object, source: str = "code") -> dict[Any, Row]:
    found = rows(conn, "sync_tasks", source=source, tasks=json.dumps(tasks))
    return {row.pop("task"): row for row in found}


def changes(conn: psycopg.Connection, *tasks: object, source: str = "code") -> dict[Any, str]:
    return {name: row["change"] for name, row in sync(conn, *tasks, source=source).items()}


def job(conn: psycopg.Connection, job_id: int) -> tuple[Any, ...]:
    found = conn.execute(JOB.encode(), (job_id,)).fetchone()
    assert found
    return found


def test_it_says_what_was_done(conn: psycopg.Connection) -> None:
    assert changes(conn, SEND, {"task": "work"}) == {"send": "added", "work": "added"}
    assert changes(conn, SEND) == {"send": "unchanged"}
    assert changes(conn, {"task": "send"}) == {"send": "changed"}
    assert scalar(conn, "select count(*) from pgq.tasks") == 2
    assert job(conn, enqueue(conn, "send")) == ("default", None)


def test_declared_options_are_defaults(conn: psycopg.Connection) -> None:
    sync(conn, SEND)
    assert job(conn, enqueue(conn, "send")) == ("mail", None)
    assert job(conn, enqueue(conn, "send", queue="own")) == ("own", None)
    (found,) = [row for row in rows(conn, "task_options", task="send") if row["option"] == "queue"]
    assert (found["value"], found["origin"], found["hidden"]) == ("mail", "source", None)


def test_an_operator_goes_first_and_the_code_is_told(conn: psycopg.Connection) -> None:
    sync(conn, SEND)
    value(conn, "configure_task", task="send", queue="other", priority=3)
    assert sync(conn, SEND)["send"] == {
        "change": "unchanged", "hidden": ["queue"], "problem": None,
    }  # fmt: skip
    newer = {"task": "send", "options": {"queue": "newest", "priority": 1}}
    assert sync(conn, newer)["send"]["hidden"] == ["priority", "queue"]
    assert job(conn, enqueue(conn, "send"))[0] == "other"
    (found,) = [row for row in rows(conn, "task_options", task="send") if row["option"] == "queue"]
    assert (found["value"], found["origin"], found["hidden"]) == ("other", "operator", "newest")
    value(conn, "configure_task", task="send", reset=["all"])
    assert job(conn, enqueue(conn, "send"))[0] == "newest"


def test_an_operator_can_be_first(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="send", queue="other")
    assert sync(conn, SEND)["send"] == {"change": "added", "hidden": ["queue"], "problem": None}
    assert job(conn, enqueue(conn, "send"))[0] == "other"


def test_the_last_source_owns_a_task(conn: psycopg.Connection) -> None:
    sync(conn, SEND)
    assert changes(conn, {"task": "send", "options": {"queue": "b"}}, source="b") == {
        "send": "changed"
    }
    assert rows(conn, "task_options", task="send")
    found = conn.execute("select source, options from pgq.task_settings").fetchone()
    assert found == ("b", {"queue": "b"})


def test_templates_know_the_names_and_defaults_of_the_handler(conn: psycopg.Connection) -> None:
    declared = {
        "task": "send",
        "options": {"concurrency_key": "{account}/{kind}"},
        "names": ["account", "kind"],
        "defaults": {"kind": "full"},
    }
    sync(conn, declared)
    for args, key in (
        ([7], "7/full"),
        ([7, "part"], "7/part"),
        ({"account": 7}, "7/full"),
        ({"args": [7], "kwargs": {"kind": "x"}}, "7/x"),
        ([7, "part", "more"], "7/part"),
    ):
        assert job(conn, enqueue(conn, "send", args=json.dumps(args)))[1] == key
    with refused("JQ001", "have no account"):
        enqueue(conn, "send")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"task": None},
        {"task": 5},
        {"task": ""},
        {"task": "t" * 257},
        {"task": "w", "more": 1},
        {"task": "w", "options": []},
        {"task": "w", "options": {"args": {}}},
        {"task": "w", "options": {"declared": []}},
        {"task": "w", "options": {"priority": "high"}},
        {"task": "w", "options": {"priority": 1e300}},
        {"task": "w", "options": {"timeout": "-1 s"}},
        {"task": "w", "options": {"timeout": "9" * 300}},
        {"task": "w", "options": {"backoff": "never"}},
        {"task": "w", "options": {"unique_key": "{"}},
        {"task": "w", "names": "a"},
        {"task": "w", "names": [1]},
        {"task": "w", "defaults": []},
        {"task": "w", "defaults": {"a": "x" * 20_000}},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_wrong_task_is_refused_alone(conn: psycopg.Connection, wrong: Row) -> None:
    found = sync(conn, SEND, wrong)
    assert found.pop("send")["change"] == "added"
    (answer,) = found.values()
    assert answer["change"] == "refused" and answer["problem"]
    assert scalar(conn, "select count(*) from pgq.tasks") == 1


@pytest.mark.parametrize(
    ("source", "tasks"),
    [
        ("", "[]"),
        (None, "[]"),
        ("s" * 257, "[]"),
        ("code", None),
        ("code", "{}"),
        ("code", "[1]"),
        ("code", '[{"task": "a"}, {"task": "a"}]'),
        ("code", json.dumps([{"task": str(each)} for each in range(10_001)])),
    ],
    ids=lambda given: str(given)[:30],
)
def test_what_is_refused(conn: psycopg.Connection, source: str | None, tasks: str | None) -> None:
    with refused("JQ002"):
        rows(conn, "sync_tasks", source=source, tasks=tasks)


def test_no_json_is_refused(conn: psycopg.Connection) -> None:
    with refused("JQ001"):
        rows(conn, "sync_tasks", source="code", tasks="[")


def test_what_has_not_changed_is_not_written(conn: psycopg.Connection) -> None:
    sync(conn, SEND, {"task": "work"})
    before = conn.execute("select xmin::text from pgq.tasks order by name").fetchall()
    sync(conn, SEND, {"task": "work"})
    assert conn.execute("select xmin::text from pgq.tasks order by name").fetchall() == before
