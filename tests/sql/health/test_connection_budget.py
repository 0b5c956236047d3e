from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import register, rows, scalar


def test_sessions_are_counted_and_workers_may_add_some(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    (before,) = rows(conn, "connection_budget")
    most = int(scalar(conn, "show max_connections"))
    assert 0 < before["available"] < most
    assert 1 < before["used"] < before["available"]
    assert before["may_come"] == 0

    register(conn, concurrency=7)
    register(conn, concurrency=5, lease="1 hour")
    assert rows(conn, "connection_budget")[0]["may_come"] == 12
    travel("1 minute")
    assert rows(conn, "connection_budget")[0]["may_come"] == 5


@pytest.mark.slow
def test_a_new_session_counts(conn: psycopg.Connection, connect: Connect) -> None:
    sessions = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
    with conn.transaction():
        connect()
        counted = rows(conn, "connection_budget")[0]["used"]
        assert counted == scalar(conn, sessions)
