"""The end of start_cron; test_start_cron.py stops one that runs."""

from __future__ import annotations

import psycopg

from tests.sql.calls import rows, value


def test_there_is_nothing_to_end(conn: psycopg.Connection) -> None:
    """It needs no pg_cron to say so, and leaves nothing in the audit."""
    assert value(conn, "stop_cron") is False
    assert rows(conn, "audit_log") == []
