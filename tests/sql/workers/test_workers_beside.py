from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.sql.calls import register, rows
from tests.worker.running import wait_for


def beside(conn: psycopg.Connection, worker_id: int | None) -> list[tuple[int, int]]:
    rows = conn.execute("select id, pid from pgq.workers_beside(%s)", [worker_id])
    return rows.fetchall()


def test_only_those_of_the_same_space(conn: psycopg.Connection) -> None:
    me = register(conn, pid=1, pid_space="here")
    second = register(conn, pid=2, pid_space="here")
    third = register(conn, pid=1, pid_space="here")  # of the same process
    register(conn, pid=3, pid_space="there")
    register(conn, pid=4)
    register(conn, pid_space="here")  # says no pid
    assert beside(conn, me) == [(second, 2), (third, 1)]
    assert beside(conn, second) == [(me, 1), (third, 1)]


def test_who_says_no_space_sees_nobody(conn: psycopg.Connection) -> None:
    me = register(conn, pid=1)
    register(conn, pid=2)
    register(conn, pid=3, pid_space="here")
    assert beside(conn, me) == []
    assert beside(conn, 77) == []
    assert beside(conn, None) == []


def test_one_whose_session_is_still_there_is_left_out(
    conn: psycopg.Connection, connect: Callable[[], psycopg.Connection]
) -> None:
    session = connect()
    me = register(conn, pid=1, pid_space="here")
    other = register(conn, pid=2, pid_space="here", backend_pid=session.info.backend_pid)
    assert beside(conn, me) == []
    # On another server, or on this one before it was started anew, the number means nothing.
    for elsewhere in (
        "backend_timeline = 'FFFFFFFF'",
        "backend_timeline = pgq._wal_timeline(), backend_server_started_at = '2001-01-01 00:00Z'",
    ):
        conn.execute(f"update pgq.workers set {elsewhere} where id = {other}".encode())
        assert beside(conn, me) == [(other, 2)]
    rows(conn, "heartbeat", worker_id=other, backend_pid=session.info.backend_pid)
    assert beside(conn, me) == []
    session.close()
    wait_for(lambda: beside(conn, me) == [(other, 2)], "the session's end")
