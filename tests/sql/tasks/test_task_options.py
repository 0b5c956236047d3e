from __future__ import annotations

import psycopg

from tests.sql.calls import rows, value


def options(conn: psycopg.Connection, task: str | None) -> dict[str, tuple[str | None, str]]:
    found = rows(conn, "task_options", task=task)
    return {row["option"]: (row["value"], row["origin"]) for row in found}


def test_a_task_that_nobody_named_has_what_any_has(conn: psycopg.Connection) -> None:
    found = options(conn, "send")
    assert found["queue"] == ("default", "built-in")
    assert (found["priority"], found["max_attempts"]) == (("0", "built-in"), ("5", "built-in"))
    assert found["backoff"] == ("exponential", "built-in")
    assert found["timeout"] == found["unique_key"] == (None, "built-in")
    assert options(conn, None) == found


def test_it_says_who_says_what(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="mail", backoff="1 minute")
    value(conn, "configure_task", task="send", queue="mail", timeout="90 seconds")
    found = options(conn, "send")
    assert found["queue"] == ("mail", "operator")
    assert found["timeout"] == ("00:01:30", "operator")
    assert found["backoff"][1] == "queue" and '"base": 60' in str(found["backoff"][0])
