from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import refused, rows, scalar, value

AGES = """
select queue, task, succeeded::text, failed::text, results::text
from pgq.retention_settings
order by task nulls first, queue nulls first
"""


def ages(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(AGES).fetchall()


def test_null_leaves_an_age_as_it_is_and_reset_takes_it_back(conn: psycopg.Connection) -> None:
    assert ages(conn) == [(None, None, "14 days", "14 days", None)]
    value(conn, "configure_retention", failed="90 days")
    value(conn, "configure_retention", succeeded="7 days", results="1 day")
    value(conn, "configure_retention", queue="q", results="3 days")
    value(conn, "configure_retention", task="t", failed="1 year")
    assert ages(conn) == [
        (None, None, "7 days", "90 days", "1 day"),
        ("q", None, None, None, "3 days"),
        (None, "t", None, "1 year", None),
    ]
    value(conn, "configure", keep_history_for="20 days")
    value(conn, "configure_retention", succeeded="5 days", reset=["failed", "results"])
    value(conn, "configure_retention", queue="q", reset=["results"])
    value(conn, "configure_retention", task="t", reset=["all"])
    assert ages(conn) == [(None, None, "5 days", "20 days", None)]
    value(conn, "configure_retention", reset=["all"])
    assert scalar(conn, "select count(*) from pgq.retention") == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"queue": "q", "task": "t", "failed": "2 days"}, "both a queue and a task"),
        ({"queue": "", "failed": "2 days"}, "queue is empty"),
        ({"task": "t" * 257, "failed": "2 days"}, "task is empty or longer"),
        ({"queue": "q", "schedule_history": "2 days"}, "has no queue"),
        ({"failed": "23 hours"}, "an age is under a day"),
        ({"results": "200 years"}, "over a hundred years"),
        ({"reset": ["succeeded", "colour"]}, "reset names an age that there is not"),
        ({"reset": [None]}, "reset names"),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, given: dict[str, Any], words: str) -> None:
    with refused("JQ002", words):
        value(conn, "configure_retention", **given)
    assert rows(conn, "audit_log") == []
