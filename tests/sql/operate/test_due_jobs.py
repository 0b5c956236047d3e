from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import enqueue, refused, rows


def due(conn: psycopg.Connection, **options: object) -> list[int]:
    return [row["id"] for row in rows(conn, "due_jobs", **options)]


@pytest.mark.slow
def test_the_earliest_first(conn: psycopg.Connection, travel: Travel) -> None:
    second = enqueue(conn, delay="20 s")
    first = enqueue(conn, delay="10 s", queue="mail", args="[1]")
    enqueue(conn, delay="1 hour")
    enqueue(conn)
    assert due(conn) == []
    travel("1 minute")
    assert due(conn) == [first, second]
    assert due(conn, max_jobs=1) == due(conn, queue="mail") == [first]
    assert due(conn, queue="none") == []
    (row, _) = rows(conn, "due_jobs", queue=None, max_jobs=None)
    assert (row["state"], row["args"]) == ("scheduled", [1])
    rows(conn, "promote_due")
    assert due(conn) == []


@pytest.mark.parametrize("max_jobs", [0, 1001])
def test_what_is_refused(conn: psycopg.Connection, max_jobs: int) -> None:
    with refused("JQ002"):
        due(conn, max_jobs=max_jobs)
