"""Pages of bulk operations: what one does, what it does where it fails, and who does it."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import refused, rows, scalar, value, violations
from tests.sql.operate.calls import failed, many, start, states, status, work_off

BROKEN = """
    create function public.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'not that one'; end $$;
    create trigger refuse before delete on pgq.job_history_default
    for each row when (old.queue = 'bad') execute function public.refuse()
"""


def step(conn: psycopg.Connection) -> int | None:
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'bulk'")
    done = {each["step"]: each["affected"] for each in rows(conn, "maintain")}
    return done["bulk"]


@pytest.mark.parametrize("most", [0, 1001, -1])
def test_a_page_has_a_size(conn: psycopg.Connection, most: int) -> None:
    with refused("JQ002", "max_jobs"):
        value(conn, "bulk_work", operation_id=1, max_jobs=most)


@pytest.mark.slow
def test_nothing_to_do(conn: psycopg.Connection) -> None:
    waiting = start(conn, "retry")["id"]
    for operation in (waiting, 4711, None):
        assert value(conn, "bulk_work", operation_id=operation) is None


@pytest.mark.slow
def test_maintenance_does_a_thousand_jobs_at_a_time(conn: psycopg.Connection) -> None:
    many(conn, 2500)
    operation = start(conn, "cancel", starts_in="0")["id"]
    assert [step(conn) for _ in range(4)] == [1000, 1000, 500, 0]
    assert status(conn, operation)["outcomes"] == {"cancelled": 2500}


@pytest.mark.slow
def test_operations_take_turns(conn: psycopg.Connection) -> None:
    many(conn, 2000)
    first, second = (start(conn, "reprioritise", priority=n, starts_in="0")["id"] for n in (1, 2))
    done = []
    for _ in range(4):
        step(conn)
        done.append((status(conn, first)["done"], status(conn, second)["done"]))
    assert done == [(1000, 0), (1000, 1000), (2000, 1000), (2000, 2000)]


@pytest.mark.slow
def test_a_page_that_fails_stops_no_other_operation(
    conn: psycopg.Connection, travel: Travel
) -> None:
    conn.execute("delete from pgq.job_history")
    bad, good = failed(conn, 3, queue="bad"), failed(conn, 3, queue="good")
    conn.execute("update pgq.job_history set finished_at = '2001-01-01'")  # the default partition
    conn.execute(BROKEN)
    broken, fine = (start(conn, "retry", queue=q, starts_in="0")["id"] for q in ("bad", "good"))
    assert [step(conn) for _ in range(2)] == [0, 3]
    assert status(conn, fine)["outcomes"] == {"retried": 3} and states(conn, good) == {"ready"}
    found = status(conn, broken)
    assert (found["status"], found["error"]) == ("waiting", "P0001: not that one")
    assert states(conn, bad) == {"failed"}
    for _ in range(3):
        travel("11 seconds")
        assert value(conn, "bulk_work", operation_id=broken) == 0
    assert status(conn, broken)["ended_at"] is None
    conn.execute("drop trigger refuse on pgq.job_history_default")
    travel("11 seconds")
    found = work_off(conn, broken)
    assert (found["status"], found["error"]) == ("finished", None)
    assert found["outcomes"] == {"retried": 3}
    assert violations(conn) == []


@pytest.mark.slow
def test_the_fifth_failure_ends_it(conn: psycopg.Connection, travel: Travel) -> None:
    failed(conn, 1, queue="bad")
    conn.execute("update pgq.job_history set finished_at = '2001-01-01'")
    conn.execute(BROKEN)
    operation = start(conn, "discard", states=["failed"], starts_in="0")["id"]
    for _ in range(5):
        assert value(conn, "bulk_work", operation_id=operation) == 0
        assert value(conn, "bulk_work", operation_id=operation) is None
        travel("11 seconds")
    found = work_off(conn, operation)
    assert (found["status"], found["error"]) == ("failed", "P0001: not that one")
    assert value(conn, "bulk_stop", operation_id=operation) == "stopped"


@pytest.mark.slow
def test_it_goes_on_after_a_crash(conn: psycopg.Connection, connect: Connect) -> None:
    """What a page did is stored together with the place it came to, or not at all."""
    ids = failed(conn, 30)
    operation = start(conn, "retry", starts_in="0")["id"]
    for _ in range(3):
        worker = connect(autocommit=False)
        assert value(worker, "bulk_work", operation_id=operation, max_jobs=10) == 10
        conn.execute("select pg_terminate_backend(%s)", (worker.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            worker.commit()
        while value(conn, "bulk_work", operation_id=operation, max_jobs=5) is None:
            pass  # the server has not ended that transaction yet
    assert work_off(conn, operation)["outcomes"] == {"retried": 30}
    assert states(conn, ids) == {"ready"}
    assert violations(conn) == []


@pytest.mark.slow
def test_a_page_of_slow_jobs_ends_after_a_second(conn: psycopg.Connection) -> None:
    """Else a worker would give up all housekeeping, each time anew."""
    many(conn, 350)
    code = scalar(conn, "select pg_get_functiondef('pgq._cancel_jobs'::regproc)")
    conn.execute(code.replace("\nbegin\n", "\nbegin\nperform pg_sleep(0.6);\n", 1).encode())
    operation = start(conn, "cancel", starts_in="0")["id"]
    assert [step(conn), step(conn)] == [200, 150]
    assert status(conn, operation)["outcomes"] == {"cancelled": 350}


@pytest.mark.slow
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_transaction_with_an_old_snapshot_does_nothing(
    conn: psycopg.Connection, connect: Connect, level: str
) -> None:
    failed(conn, 1)
    operation = start(conn, "retry", starts_in="0")["id"]
    session = connect(autocommit=False)
    session.execute(f"set transaction isolation level {level}".encode())
    assert value(session, "bulk_work", operation_id=operation) is None
    assert step(session) == 0
    session.rollback()
    assert work_off(conn, operation)["outcomes"] == {"retried": 1}
