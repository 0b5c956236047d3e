from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Server, Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    refused,
    rows,
    scalar,
    state,
    value,
    violations,
)


def finish(conn: psycopg.Connection) -> int:
    job_id = enqueue(conn)
    assert complete(conn, claim_one(conn)) == ["ok"]
    return job_id


@pytest.mark.slow
def test_whole_days_are_dropped(conn: psycopg.Connection, travel: Travel) -> None:
    ids = []
    for _ in range(4):
        ids.append(finish(conn))
        travel("1 day")
    assert value(conn, "prune", older_than="2 days") == 2
    assert [state(conn, job_id) is None for job_id in ids] == [True, True, False, False]
    assert value(conn, "prune", older_than="2 days") == 0


@pytest.mark.slow
def test_today_stays(conn: psycopg.Connection) -> None:
    job_id = finish(conn)
    assert value(conn, "prune", older_than="0") == 0
    assert state(conn, job_id) == "succeeded"


def test_the_setting_is_the_default(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = finish(conn)
    travel("10 days")
    assert value(conn, "prune") == 0
    value(conn, "configure", keep_history_for="5 days")
    assert value(conn, "prune", older_than=None) > 0
    assert state(conn, job_id) is None


def test_old_rows_of_the_default_partition_go_too(conn: psycopg.Connection, travel: Travel) -> None:
    travel("40 days")
    old = finish(conn)
    travel("3 days")
    new = finish(conn)
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 2
    value(conn, "prune", older_than="1 day")
    assert (state(conn, old), state(conn, new)) == (None, "succeeded")


def waiting_child(conn: psycopg.Connection, parent: int) -> int:
    return enqueue(conn, depends_on=[parent], on_parent_failure="wait")


@pytest.mark.slow
@pytest.mark.parametrize("first_day", ["0", "40 days"], ids=["a partition", "the default one"])
@pytest.mark.parametrize("how", ["prune", "maintain"])
def test_what_waits_for_a_retry_of_what_goes_is_cancelled(
    conn: psycopg.Connection, travel: Travel, first_day: str, how: str
) -> None:
    travel(first_day)
    parents = [enqueue(conn) for _ in range(3)]
    children = [waiting_child(conn, parent) for parent in parents * 2]
    grandchild = waiting_child(conn, children[0])
    for job in claim(conn):
        fail(conn, job, final=[True])
    rows(conn, "promote_due")
    assert outcomes(conn, "retry", parents[2]) == ["retried"]
    if how == "prune":
        travel("2 days")
        value(conn, "prune", older_than="0")
    else:
        travel("20 days")
        rows(conn, "maintain")
    assert violations(conn) == []
    for _ in range(3):
        rows(conn, "promote_due", batch_size=1)
    rows(conn, "promote_due")
    assert [state(conn, child) for child in children] == [
        *("cancelled", "cancelled", "blocked"),
        *("cancelled", "cancelled", "blocked"),
    ]
    assert state(conn, grandchild) == "blocked"  # its parent is in the history, and can be retried
    complete(conn, claim_one(conn))
    assert [state(conn, one) for one in children[2::3]] == ["ready", "ready"]


@pytest.mark.slow
@pytest.mark.parametrize("first_day", ["0", "40 days"], ids=["a partition", "the default one"])
def test_a_retry_under_way_keeps_what_waits_for_it(
    conn: psycopg.Connection, connect: Connect, travel: Travel, first_day: str
) -> None:
    travel(first_day)
    parent = enqueue(conn)
    child = waiting_child(conn, parent)
    fail(conn, claim_one(conn), final=[True])
    rows(conn, "promote_due")
    travel("2 days")
    other = connect(autocommit=False)
    assert outcomes(other, "retry", parent) == ["retried"]
    with pytest.raises(psycopg.errors.LockNotAvailable):
        value(conn, "prune", older_than="0")
    other.commit()
    value(conn, "prune", older_than="0")
    rows(conn, "promote_due")
    assert (state(conn, parent), state(conn, child)) == ("ready", "blocked")
    complete(conn, claim_one(conn))
    assert state(conn, child) == "ready"


@pytest.mark.slow
def test_live_jobs_are_not_touched(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn)
    travel("100 days")
    value(conn, "prune", older_than="0")
    assert state(conn, job_id) == "ready"


@pytest.mark.slow
def test_a_reader_is_not_waited_for(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    finish(conn)
    travel("20 days")
    reader = connect(autocommit=False)
    reader.execute("select count(*) from pgq.all_jobs")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        value(conn, "prune")
    reader.rollback()
    assert value(conn, "prune") > 0


def test_what_others_hung_on_a_partition_keeps_nothing(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """A view takes no right to read; who may use the schema may make one, at least in TEMP."""
    job_id = finish(conn)
    day = scalar(conn, "select tableoid::regclass from pgq.job_history where id = %s", job_id)
    conn.execute("set role pgq_producer")
    conn.execute(f"create view pg_temp.mine as select id from {day}".encode())
    conn.execute("create view pg_temp.on_mine as select * from pg_temp.mine")
    conn.execute("reset role")
    travel("20 days")
    assert value(conn, "prune") > 0
    assert state(conn, job_id) is None
    assert scalar(conn, f"select to_regclass('{day}')") is None


@pytest.mark.parametrize("older_than", ["-1 second", timedelta(days=-1), "101 years"])
def test_what_is_refused(conn: psycopg.Connection, older_than: object) -> None:
    with refused("JQ002", "older_than"):
        rows(conn, "prune", older_than=older_than)


def test_infinity_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    for infinity in ("infinity", "-infinity"):
        with refused("JQ002", "older_than"):
            value(conn, "prune", older_than=infinity)
