"""The group task: list, show, set, forget."""

from __future__ import annotations

import psycopg
import pytest

from tests.cli.conftest import Pgq
from tests.sql.calls import claim_one, enqueue, fail, scalar


@pytest.mark.slow
def test_set_show_list_and_forget(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("task", "list").stdout == "no tasks with defaults\n"
    key = ["--concurrency-key", "a:{a}", "--timeout", "1m"]
    said = pgq("task", "set", "send", "-q", "mail", *key).stdout
    assert said == "send: queue=mail, timeout=00:01:00, concurrency_key=a:{a}\n"
    job_id = enqueue(conn, "send", args='{"a": 1}')
    assert scalar(conn, "select queue from pgq.jobs where id = %s", job_id) == "mail"
    shown = {each["option"]: each for each in pgq.json("task", "show", "send")}
    assert shown["queue"] == {
        "option": "queue",
        "value": "mail",
        "origin": "operator",
        "hidden": None,
    }
    assert "built-in" in pgq("task", "show", "send").stdout
    (listed,) = pgq.json("task", "list")
    assert listed["configured"] == listed["options"] != {}
    assert "queue=mail" in pgq("task", "list").stdout
    said = pgq("task", "set", "send", "--reset", "concurrency-key", "--reset", "timeout").stdout
    assert said == "send: queue=mail\n"
    assert pgq("task", "set", "send", "--reset", "all").stdout == (
        "send has nothing set by operators\n"
    )
    assert pgq("task", "forget", "send").stdout == "send is forgotten\n"
    assert pgq.json("task", "forget", "send", code=1) == {"task": "send", "removed": False}


@pytest.mark.slow
def test_what_is_wrong_is_said(pgq: Pgq) -> None:
    assert "nothing to do" in pgq("task", "set", "send", code=2).stderr
    wrong = pgq("task", "set", "send", "--unique-key", "{a.b}", code=2).stderr
    assert "unique_key is no template: {a.b}" in wrong and "account:{account_id}" in wrong
    assert "reset names colour" in pgq("task", "set", "s", "--reset", "colour", code=2).stderr


@pytest.mark.slow
def test_what_follows_a_failed_job(pgq: Pgq, conn: psycopg.Connection) -> None:
    said = pgq("task", "set", "charge", "--on-exhausted", "report").stdout
    assert said == "charge: on_exhausted=report\n"
    job_id = enqueue(conn, "charge", max_attempts=1)
    fail(conn, claim_one(conn))
    (letter,) = pgq.json("jobs", "--task", "report")["jobs"]
    assert pgq.json("job", letter["id"])["exhausted_from"] == job_id
    assert f"exhausted_from  {job_id}\n" in pgq("job", letter["id"]).stdout
