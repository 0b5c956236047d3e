from __future__ import annotations

import psycopg

from tests.sql.calls import register


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
