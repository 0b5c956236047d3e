"""A publication for all tables, which tools that copy changes make, must not get in anybody's way.

Postgres refuses to update or delete a row of a published table that it could not name to the
subscriber, so every table needs a key; a new partition of the history too.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.servers import Server, Travel, install
from tests.sql.batches.calls import close, finished, make
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
    violations,
)

NAMELESS = (
    "select coalesce(array_agg(relname::text), '{}') from pg_class as c"
    " where relnamespace = 'pgq'::regnamespace and relkind = 'r' and relreplident <> 'f'"
    " and not exists (select from pg_index where indrelid = c.oid and indisprimary)"
)


@pytest.fixture
def published(private_server: Server) -> Iterator[psycopg.Connection]:
    """A session on a server that decodes its WAL, where all tables are published and read."""
    with psycopg.connect(private_server.dsn, autocommit=True) as admin:
        admin.execute("alter system set wal_level = 'logical'")
    private_server.restart()
    install(private_server.dsn)
    with psycopg.connect(private_server.dsn, autocommit=True) as conn:
        conn.execute("create publication everything for all tables")
        conn.execute("select pg_create_logical_replication_slot('reader', 'pgoutput')")
        yield conn
        read = (
            "select count(*) from pg_logical_slot_get_binary_changes('reader', null, null,"
            " 'proto_version', '1', 'publication_names', 'everything')"
        )
        assert scalar(conn, read) > 100
        conn.execute("select pg_drop_replication_slot('reader')")


@pytest.mark.slow
def test_every_table_has_a_key(conn: psycopg.Connection, travel: Travel) -> None:
    travel("9 days")
    rows(conn, "maintain")
    assert scalar(conn, NAMELESS) == []


@pytest.mark.slow
def test_everything_goes_on_under_a_publication(published: psycopg.Connection) -> None:
    conn = published
    worker = register(conn)
    first, second, third = (enqueue(conn) for _ in range(3))
    value(conn, "await_jobs", ids=[first, third])
    held = claim(conn, worker_id=worker)
    assert outcomes(conn, "cancel", third) == ["requested"]
    assert complete(conn, *held[:1], results=['{"a": 1}']) == ["ok"]
    assert fail(conn, held[1], final=[True]) == [("ok", "failed")]
    assert settle(conn, "release_batch", held[2:])[0]["outcome"] == "cancelled"
    assert outcomes(conn, "retry", second, third) == ["retried"] * 2
    assert outcomes(conn, "cancel", second) == ["cancelled"]
    assert outcomes(conn, "discard", first) == ["discarded"]

    batch = make(conn)
    value(conn, "await_batch", batch_id=batch)
    keyed = {"task": "work", "concurrency_key": "k", "unique_key": "u", "unique_while": "queued"}
    flow = [
        {"task": "parent", "ref": "p", "batch_id": batch},
        {"task": "child", "depends_on": ["p"], "queue": "flow"},
        {**keyed, "queue": "flow"},
        {"task": "later", "delay": "1 hour", "queue": "flow"},
        {"task": "old", "expires_in": "1 millisecond", "queue": "old"},
    ]
    made = [job_id for job_id, _ in enqueue_many(conn, *flow)]
    close(conn, batch)
    value(conn, "configure_queue", queue="flow", rate_limit=100, rate_per_key=True, fair=True)
    for _ in range(6):
        rows(conn, "promote_due")
        complete(conn, *claim(conn, ["default", "flow", "after"], worker_id=worker))
    assert finished(conn, batch)
    assert outcomes(conn, "run_now", made[3]) == ["promoted"]
    complete(conn, claim_one(conn, queues=["flow"]))

    value(conn, "schedule", name="s", task="work", every="1 hour")
    value(conn, "run_schedule_now", name="s")
    value(conn, "unschedule", name="s")
    assert [step for step in rows(conn, "maintain") if step["affected"] is None] == []
    assert state(conn, made[4]) == "expired"
    assert value(conn, "clear_queue", queue="default") is not None

    lost = enqueue(conn, queue="lost", max_attempts=1)
    claim_one(conn, queues=["lost"], worker_id=worker)
    rows(conn, "report_lost_worker", worker_id=worker)
    assert state(conn, lost) == "failed"
    assert violations(conn) == []


@pytest.mark.slow
def test_old_days_go_and_new_ones_are_written_under_a_publication(
    published: psycopg.Connection,
) -> None:
    conn = published
    travel = Travel(conn)
    for _ in range(3):
        ids = [enqueue(conn) for _ in range(40)]
        held = claim(conn)
        complete(conn, *held[1:])
        fail(conn, held[0], final=[True])
        assert outcomes(conn, "retry", ids[0]) == ["retried"]
        assert outcomes(conn, "discard", ids[1]) == ["discarded"]
        complete(conn, *claim(conn))
        travel("8 days")
        assert [step for step in rows(conn, "maintain") if step["affected"] is None] == []
    assert state(conn, ids[0]) == "succeeded"
    assert scalar(conn, "select count(distinct id) from pgq.job_history") == 39
    assert violations(conn) == []
