"""No call takes more of the server's table of locks than a small server can spare.

The table has room for max_locks_per_transaction times max_connections locks, of all sessions
together; a session that finds none free gets 53200, like every other session meanwhile.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.batches.calls import close, finished, make
from tests.sql.calls import (
    claim,
    complete,
    enqueue_many,
    refused,
    rows,
    scalar,
    value,
    violations,
)

MOST = 1200  # of one transaction, relations included


def locks(conn: psycopg.Connection) -> int:
    return int(scalar(conn, "select count(*) from pg_locks where pid = pg_backend_pid()"))


def keyed(conn: psycopg.Connection, count: int) -> None:
    conn.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
        " 'task', 'work', 'concurrency_key', 'key ' || number)) from generate_series(1, %s)"
        " as number))",
        (count,),
    )


@pytest.mark.slow
def test_promotion_of_very_many_keys(conn: psycopg.Connection, connect: Connect) -> None:
    for _ in range(2):
        keyed(conn, 6000)
    session = connect(autocommit=False)
    promoted = calls = 0
    while promoted < 6000:
        (step,) = rows(session, "promote_due", batch_size=100000)
        assert locks(session) < MOST
        assert step["promoted"] > 0
        session.commit()
        promoted += step["promoted"]
        calls += 1
    assert calls < 30
    assert violations(conn) == []


@pytest.mark.slow
def test_a_settle_of_very_many_keys(conn: psycopg.Connection, connect: Connect) -> None:
    for _ in range(2):
        keyed(conn, 3000)
    while rows(conn, "promote_due", batch_size=100000)[0]["promoted"]:
        pass
    held = [job for _ in range(3) for job in claim(conn, batch_size=1000)]
    session = connect(autocommit=False)
    assert set(complete(session, *held)) == {"ok"}
    assert locks(session) < MOST
    session.commit()
    while rows(conn, "promote_due")[0]["promoted"]:
        pass
    assert scalar(conn, "select count(*) from pgq.ready") == 3000  # the next of each key
    assert violations(conn) == []


@pytest.mark.slow
def test_very_many_batches(conn: psycopg.Connection, connect: Connect) -> None:
    batches = [make(conn, on_finish=None, on_failure=None, on_success=None) for _ in range(1001)]
    jobs = [{"task": "work", "batch_id": batch} for batch in batches]
    with refused("JQ002", "more than 1000 batches"):
        enqueue_many(conn, *jobs)
    enqueue_many(conn, *jobs[:1000])
    for batch in batches:
        close(conn, batch)
    session = connect(autocommit=False)
    held = claim(conn, batch_size=1000)
    complete(session, *held)
    assert locks(session) < MOST
    session.commit()
    while rows(session, "promote_due", batch_size=100000)[0]["promoted"]:
        assert locks(session) < MOST
        session.commit()
    assert all(finished(conn, batch) for batch in batches)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["claims", "maintenance"])
def test_very_many_queues_with_limits(conn: psycopg.Connection, connect: Connect, how: str) -> None:
    conn.execute(
        "insert into pgq.queues (name, rate_limit, rate_interval, rate_per_key)"
        " select 'q' || number, 5, '1 hour', true from generate_series(1, 3000) as number"
    )
    conn.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
        " 'task', 'work', 'queue', 'q' || number)) from generate_series(1, 3000) as number))"
    )
    session = connect(autocommit=False)
    if how == "claims":
        taken = 0
        while taken < 3000:
            step = len(claim(session, batch_size=1000))
            assert locks(session) < MOST
            session.commit()
            assert step > 0
            taken += step
    else:
        rows(session, "maintain")
        assert locks(session) < MOST
    session.rollback()
    assert violations(conn) == []


@pytest.mark.slow
def test_very_many_days_of_history(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    conn.execute("select pgq._make_history_partitions(70, 100)")
    travel("100 days")
    session = connect(autocommit=False)
    assert value(session, "prune", older_than="0") == 30
    assert locks(session) < MOST
    session.commit()
    assert [value(conn, "prune", older_than="0") for _ in range(3)] == [30, 11, 0]
