"""What would go is counted by day, queue and state, and what is late is told."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import buffers, claim_one, complete, enqueue, fail, refused, rows, value

FILL = """
    insert into pgq.job_history
    select (jsonb_populate_record(past, jsonb_build_object(
      'id', -number, 'args', jsonb_build_object('x', repeat('x', 1500)),
      'queue', case when number %% 4 = 0 then 'few' else 'many' end))).*
    from (select past from pgq.job_history as past limit 1) as one,
      generate_series(1, %s) as number
"""


def end(conn: psycopg.Connection, queue: str, failed: bool = False, task: str = "t") -> None:
    enqueue(conn, task, queue=queue, max_attempts=1)
    held = claim_one(conn)
    if failed:
        fail(conn, held)
    else:
        complete(conn, held)


def preview(conn: psycopg.Connection, **given: Any) -> list[tuple[Any, ...]]:
    found = rows(conn, "prune_preview", **given)
    return [(row["queue"], row["state"], row["jobs"], row["whole_day"]) for row in found]


def check(conn: psycopg.Connection) -> tuple[str, Any]:
    (found,) = (row for row in rows(conn, "health") if row["name"] == "retention_behind")
    return found["status"], found["hint"]


def test_whole_days_and_what_goes_before_its_day(conn: psycopg.Connection, travel: Travel) -> None:
    for queue in ("a", "a", "b"):
        end(conn, queue)
    end(conn, "a", failed=True)
    travel("2 days")
    end(conn, "a")
    assert preview(conn) == []
    assert preview(conn, older_than="2 days") == []
    assert preview(conn, older_than="1 day") == [
        ("a", "failed", 1, True), ("a", "succeeded", 2, True), ("b", "succeeded", 1, True),
    ]  # fmt: skip
    value(conn, "configure_retention", queue="a", succeeded="1 day")
    value(conn, "configure_retention", task="t", failed="1 day")
    assert preview(conn) == [("a", "failed", 1, False), ("a", "succeeded", 2, False)]
    value(conn, "configure_retention", task="t", succeeded="3 days")
    assert preview(conn) == [("a", "failed", 1, False)]
    with refused("JQ002", "older_than"):
        rows(conn, "prune_preview", older_than="-1 day")


@pytest.mark.newest
@pytest.mark.slow
def test_a_big_day_is_sampled(conn: psycopg.Connection, travel: Travel) -> None:
    end(conn, "few")
    conn.execute(FILL.encode(), (24_000,))
    travel("20 days")
    found = {row["queue"]: row for row in rows(conn, "prune_preview")}
    assert not found["few"]["exact"]
    assert 5_000 < found["few"]["jobs"] < 7_000
    assert 15_000 < found["many"]["jobs"] < 21_000
    assert buffers(conn, "select * from pgq.prune_preview()") < 8000


def test_what_is_late_is_told_and_its_cure_heals(conn: psycopg.Connection, travel: Travel) -> None:
    end(conn, "q")
    assert check(conn) == ("ok", None)
    travel("16 days")
    assert check(conn) == ("ok", None)
    travel("1 day")
    status, hint = check(conn)
    assert (status, "select pgq.prune();" in hint) == ("warn", True)
    value(conn, "prune")
    assert check(conn) == ("ok", None)


def test_a_day_that_was_not_read_is_late(conn: psycopg.Connection, travel: Travel) -> None:
    end(conn, "q")
    value(conn, "configure_retention", queue="q", succeeded="1 day")
    travel("3 days")
    assert check(conn) == ("ok", None)
    travel("1 day")
    status, hint = check(conn)
    assert (status, "select * from pgq.maintain();" in hint) == ("warn", True)
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'history'")
    rows(conn, "maintain")
    assert check(conn) == ("ok", None)
