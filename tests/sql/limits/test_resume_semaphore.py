from __future__ import annotations

import psycopg

from tests.sql.calls import rows, value


def test_it_says_whether_it_was_paused(conn: psycopg.Connection) -> None:
    assert value(conn, "resume_semaphore", concurrency_key="k") is False
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=3)
    assert value(conn, "resume_semaphore", concurrency_key="k") is False
    value(conn, "pause_semaphore", concurrency_key="k")
    assert value(conn, "resume_semaphore", concurrency_key="k") is True
    assert value(conn, "resume_semaphore", concurrency_key="k") is False
    assert value(conn, "resume_semaphore", concurrency_key=None) is False
    (left,) = rows(conn, "list_semaphores")
    assert (left["max_slots"], left["configured"]) == (3, True)
