from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.sql.calls import refused, scalar, value

JOB = '{"task": "report", "args": [1], "queue": "mail", "backoff": {"kind": "constant", "base": 5}}'


def test_it_answers_the_id_of_an_open_batch(conn: psycopg.Connection) -> None:
    first = value(conn, "create_batch")
    second = value(conn, "create_batch", on_finish=JOB, description="import of May")
    assert second > first
    assert conn.execute(
        "select id, description, status, live from pgq.batch_status"
    ).fetchall() == [
        (first, None, "open", 0),
        (second, "import of May", "open", 0),
    ]
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.parametrize("place", ["on_success", "on_finish", "on_failure"])
def test_null_means_nothing_follows(conn: psycopg.Connection, place: str) -> None:
    for nothing in (None, "null"):
        batch_id = value(conn, "create_batch", **{place: nothing})
        value(conn, "close_batch", batch_id=batch_id)
    assert scalar(conn, "select count(*) from pgq.batches where succeeded") == 2
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.parametrize("place", ["on_success", "on_finish", "on_failure"])
@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("[1]", "is a JSON array"),
        ("{", "is not valid JSON"),
        ("{}", "task is empty"),
        ({"task": "a", "no_such": 1}, "no_such is not an option"),
        ({"task": "a", "args": 1}, "args are a JSON number"),
        ({"task": "a", "headers": []}, "headers are a JSON array"),
        ({"task": "a", "priority": "high"}, "option of the wrong type"),
        ({"task": "a", "delay": "-1 s"}, "delay is negative"),
        ({"task": "a", "backoff": "no"}, "backoff"),
        ({"task": "a", "unique_key": "k"}, "has the option unique_key"),
        ({"task": "a", "depends_on": [1]}, "has the option depends_on"),
        ({"task": "a", "batch_id": 1}, "has the option batch_id"),
        ({"task": "a", "ref": "a"}, "has the option ref"),
    ],
    ids=str,
)
def test_what_enqueue_would_refuse_is_refused_at_once(
    conn: psycopg.Connection, place: str, job: Any, words: str
) -> None:
    with refused("JQ001", words):
        value(conn, "create_batch", **{place: job if isinstance(job, str) else json.dumps(job)})
    assert scalar(conn, "select count(*) from pgq.batches") == 0


def test_a_setting_that_is_lowered_later_stops_no_batch(conn: psycopg.Connection) -> None:
    batch_id = value(conn, "create_batch", on_finish=JOB)
    conn.execute("update pgq.settings set max_args_bytes = 1")
    value(conn, "close_batch", batch_id=batch_id)
    assert scalar(conn, "select task from pgq.jobs") == "report"
