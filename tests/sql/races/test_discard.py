"""Two who discard the same jobs while some of these end."""

from __future__ import annotations

import psycopg

from tests.conftest import Connect
from tests.sql.calls import claim_one, complete, enqueue, rows
from tests.sql.races.conftest import Start

LOCK = "select from pgq.job_history where id = %s for update"


def discard(session: psycopg.Connection, ids: list[int]) -> dict[int, str]:
    return {row["job_id"]: str(row["outcome"]) for row in rows(session, "discard", ids=ids)}


def test_a_job_that_ends_meanwhile_is_not_waited_for(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    """The one who holds it may wait for a job that is locked here already."""
    late, done = enqueue(conn, priority=1), enqueue(conn)
    complete(conn, claim_one(conn))
    holder, other = connect(), connect()
    with holder.transaction():
        with other.transaction():
            other.execute(LOCK, (done,))
            call = start(discard, [late, done])
            assert call.waits()
            complete(conn, claim_one(conn))
            holder.execute(LOCK, (late,))
        assert call.result() == {late: "busy", done: "discarded"}
    assert discard(conn, [late]) == {late: "discarded"}
