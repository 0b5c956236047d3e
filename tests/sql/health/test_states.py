"""States that look like nothing, until jobs are late: staged, named, cured, healed.

How the schema drifts from what was installed is staged in test_drift, what keeps a client out in
tests/cli/test_broken_environments and tests/cli/test_health.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgq.version import PROTOCOL, __version__
from tests.conftest import Connect
from tests.servers import Server, Travel, install
from tests.sql.calls import claim, complete, enqueue, fail, register, rows, scalar, value
from tests.sql.health.cures import bystanders, check, content, cure, sick

Stage = Callable[[psycopg.Connection, Travel], None]


@pytest.fixture
def well(conn: psycopg.Connection) -> psycopg.Connection:
    """A session on a database that is well, with jobs in every place."""
    register(conn, lease="1 day", version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    bystanders(conn)
    rows(conn, "promote_due")
    assert sick(conn) == {}
    return conn


def keyed(conn: psycopg.Connection, **options: Any) -> None:
    enqueue(conn, "keyed", queue="k", concurrency_key="it's", **options)
    rows(conn, "promote_due")


def semaphore_of_zero(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "configure_semaphore", concurrency_key="it's", max_slots=0)
    keyed(conn)
    travel("7 minutes")


def holder_that_hangs(conn: psycopg.Connection, travel: Travel) -> None:
    keyed(conn)
    claim(conn, ["k"])
    keyed(conn)
    travel("7 minutes")


def holder_that_is_not_run(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "pause_queue", queue="k")
    keyed(conn)
    keyed(conn)
    travel("7 minutes")


def rate_of_zero(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "configure_queue", queue="it's", rate_limit=0, rate_interval="1 minute")
    enqueue(conn, queue="it's")
    travel("7 minutes")


def no_job_may_run(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "configure_queue", queue="it's", max_running=0)
    enqueue(conn, queue="it's")
    travel("7 minutes")


def task_in_a_loop(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, "loop", queue="l", max_attempts=1000, backoff="10s")
    for _ in range(10):
        fail(conn, *claim(conn, ["l"]), messages=["no"])
        travel("10 seconds")
        rows(conn, "promote_due")
    fail(conn, *claim(conn, ["l"]), messages=["no"])


def task_that_mostly_fails(conn: psycopg.Connection, travel: Travel) -> None:
    for number in range(12):
        enqueue(conn, "it's", queue="f", max_attempts=1)
        held = claim(conn, ["f"])
        if number % 3:
            fail(conn, *held, messages=["no"])
        else:
            complete(conn, *held)


STATES: dict[str, tuple[str, str, Stage, set[str]]] = {
    "a semaphore with 0 slots": (
        *("semaphores", "it's (it has 0 slots)", semaphore_of_zero),
        {"semaphores"},
    ),
    "a semaphore whose holder hangs": (
        *("semaphores", "it's (held by job ", holder_that_hangs),
        {"slots"},
    ),
    "a semaphore whose holder is not run": (
        *("semaphores", "it's (held by job ", holder_that_is_not_run),
        {"slots"},
    ),
    "a rate limit of 0": ("stopped_queues", "it's for 00:07:", rate_of_zero, {"queues"}),
    "a limit of 0 running jobs": ("stopped_queues", "it's for 00:07:", no_job_may_run, {"queues"}),
    "a task that fails in a loop": (
        *("failing_tasks", "loop again and again (job ", task_in_a_loop),
        {"jobs", "scheduled"},
    ),
    "a task most of whose jobs fail": (
        *("failing_tasks", "most of it's in f (8 of 12)", task_that_mostly_fails),
        {"job_history"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "words", "stage", "tables"), STATES.values(), ids=STATES.keys())
def test_it_is_named_and_its_cure_heals(
    well: psycopg.Connection,
    travel: Travel,
    name: str,
    words: str,
    stage: Stage,
    tables: set[str],
) -> None:
    bystanding = content(well)
    stage(well, travel)
    row = check(well, name)
    assert (row["status"], row["value"]) == ("warn", 1) and words in row["reason"]
    before = content(well)
    cure(well, name)
    gone = before - content(well)
    assert {table for table, _ in gone} == tables
    assert not gone & bystanding
    rows(well, "promote_due")
    rows(well, "heartbeat", worker_id=1)
    assert check(well, name)["status"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("stage", [semaphore_of_zero, rate_of_zero, holder_that_hangs])
def test_what_has_just_begun_is_not_told(
    well: psycopg.Connection, travel: Travel, stage: Stage
) -> None:
    stage(well, lambda shift: None)  # type: ignore[arg-type]
    assert sick(well) == {}


@pytest.mark.slow
def test_a_semaphore_that_moves_is_well(well: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        keyed(well)
    travel("7 minutes")
    complete(well, *claim(well, ["k"]))
    rows(well, "promote_due")
    claim(well, ["k"])
    assert check(well, "semaphores")["status"] == "ok"


def work(conn: psycopg.Connection, travel: Travel, coming: int, going: int) -> None:
    """Let jobs come and go for a minute and a half, so many each three seconds."""
    for _ in range(30):
        for _ in range(coming):
            enqueue(conn, "work", queue="b")
        complete(conn, *claim(conn, ["b"], going))
        travel("3 seconds")


@pytest.mark.slow
def test_a_backlog_that_grows(well: psycopg.Connection, travel: Travel) -> None:
    """It is told long before a job is late."""
    work(well, travel, coming=3, going=1)
    row = check(well, "backlog")
    assert row["status"] == "warn" and "pgq worker app.tasks -q b" in row["hint"]
    assert re.search(r"b \([56]\d a minute, [12]\d end\)", row["reason"])
    assert check(well, "lag")["status"] == "ok"
    value(well, "pause_queue", queue="b")
    assert check(well, "backlog")["status"] == "ok"
    value(well, "resume_queue", queue="b")
    work(well, travel, coming=3, going=6)
    assert check(well, "backlog")["status"] == "ok"


@pytest.mark.slow
def test_a_backlog_that_shrinks_or_stays_is_well(well: psycopg.Connection, travel: Travel) -> None:
    for _ in range(100):
        enqueue(well, "work", queue="b")
    travel("40 seconds")
    work(well, travel, coming=1, going=1)
    assert check(well, "backlog")["status"] == "ok"


@pytest.mark.slow
def test_tasks_that_fail_now_and_then_are_well(well: psycopg.Connection, travel: Travel) -> None:
    for number in range(20):
        enqueue(well, "now and then", queue="f", max_attempts=1)
        held = claim(well, ["f"])
        _ = complete(well, *held) if number % 2 else fail(well, *held, messages=["no"])
    assert check(well, "failing_tasks")["status"] == "ok"
    enqueue(well, "now and then", queue="f", max_attempts=1)
    fail(well, *claim(well, ["f"]), messages=["no"])
    assert check(well, "failing_tasks")["status"] == "warn"
    travel("61 minutes")
    assert check(well, "failing_tasks")["status"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("day", ["yesterday", "today", "last week"])
def test_the_default_partition_has_rows(well: psycopg.Connection, travel: Travel, day: str) -> None:
    """Nobody maintained for a time; the days of what has ended meanwhile are made now."""
    well.execute("update pgq.workers set lease = '365 days'")
    travel("20 days")
    job_id = enqueue(well, queue="q")
    rows(well, "cancel", ids=[job_id])
    travel({"today": "0 days", "yesterday": "1 day", "last week": "7 days"}[day])
    before = content(well)
    assert "default partition" in check(well, "history")["reason"]
    cure(well, "history")
    assert check(well, "history")["status"] == "ok"
    assert ("job_history", str(job_id)) in {(t, row[1:].split(",")[0]) for t, row in before}
    assert scalar(well, "select count(*) from pgq.job_history where id = %s", job_id) == 1


@pytest.fixture
def other(connect: Connect) -> Iterator[psycopg.Connection]:
    """A session of somebody who may connect and nothing else."""
    session = connect(application_name="somebody's tool")
    yield session
    session.close()


@contextmanager
def prepared(conn: psycopg.Connection, gid: str) -> Iterator[None]:
    """Leave no prepared transaction of this name behind; skip where there can be none."""
    if not int(scalar(conn, "show max_prepared_transactions")):
        pytest.skip("prepared transactions are off on this server")
    conn.rollback()
    try:
        yield
    finally:
        conn.rollback()
        conn.autocommit = True
        if scalar(conn, "select count(*) from pg_prepared_xacts where gid = %s", gid):
            conn.execute(sql.SQL("rollback prepared {}").format(gid))


KEYS = {
    "queue calm": "hashtextextended('calm', 'pgq.queues'::regclass::oid::bigint)",
    "semaphore it's": "hashtextextended('it''s', 'pgq.slots'::regclass::oid::bigint)",
    "batch 1": "pgq._batch_lock_key(1, 'join')",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", KEYS)
@pytest.mark.parametrize("kind", ["", "xact_"])
@pytest.mark.parametrize("shared", ["", "_shared"])
def test_somebody_holds_a_lock_of_ours(
    well: psycopg.Connection, other: psycopg.Connection, what: str, kind: str, shared: str
) -> None:
    value(well, "create_batch")
    keyed(well, concurrency_limit=1)
    keyed(well, concurrency_limit=1)
    key = scalar(well, f"select {KEYS[what]}")
    with other.transaction():
        other.execute(f"select pg_advisory_{kind}lock{shared}(%s)".encode(), (key,))
        row = check(well, "locks")
        assert row["status"] == "warn"
        told = f"{what} by somebody's tool, pid {other.info.backend_pid}"
        assert row["reason"] == f"others hold advisory locks of pgq: {told}"
    if not kind:
        cure(well, "locks", role=None)
    assert check(well, "locks")["status"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("what", KEYS)
def test_a_prepared_transaction_holds_a_lock_of_ours(
    well: psycopg.Connection, connect: Connect, what: str
) -> None:
    """It has no session that could be named or ended."""
    value(well, "create_batch")
    keyed(well, concurrency_limit=1)
    keyed(well, concurrency_limit=1)
    other = connect(autocommit=False)
    key = scalar(other, f"select {KEYS[what]}")
    other.rollback()
    with prepared(other, "it's"):
        other.execute("savepoint a")
        other.execute("create table left_behind ()")
        other.execute("select pg_advisory_xact_lock(%s)", (key,))
        other.execute("prepare transaction 'it''s'")
        row = check(well, "locks")
        assert row["status"] == "warn"
        told = f"{what} by prepared transaction it's of {other.info.user}"
        assert row["reason"] == f"others hold advisory locks of pgq: {told}"
        cure(well, "locks", role=None)
    assert check(well, "locks")["status"] == "ok"


@pytest.mark.slow
def test_an_enqueue_that_is_prepared_is_well_for_a_minute(
    well: psycopg.Connection, connect: Connect
) -> None:
    batch_id = value(well, "create_batch")
    other = connect(autocommit=False)
    with prepared(other, "ours"):
        enqueue(other, batch_id=batch_id)
        other.execute("prepare transaction 'ours'")
        assert check(well, "locks")["status"] == "ok"
        well.execute("rollback prepared 'ours'")


@pytest.mark.slow
def test_our_own_use_of_the_locks_is_well(well: psycopg.Connection, connect: Connect) -> None:
    """In the middle of a promotion, a claim and an enqueue of ours."""
    worker = connect(autocommit=False)
    value(well, "configure_queue", queue="q", max_running=5)
    keyed(worker)
    claim(worker, ["q"])
    enqueue(worker, batch_id=value(worker, "create_batch"))
    assert scalar(worker, "select count(*) from pg_locks where locktype = 'advisory'") > 0
    assert check(well, "locks")["status"] == "ok"
    worker.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["1 hour", "-6 seconds"])
def test_a_worker_whose_clock_is_wrong(well: psycopg.Connection, shift: str) -> None:
    def come(by: str) -> int:
        now = scalar(well, "select pgq._now() + %s::interval", by)
        options = {"version": __version__, "protocol": PROTOCOL, "host": "far.example"}
        return register(well, name="far", clock=now, **options)

    worker_id = come(shift)
    row = check(well, "clocks")
    told = {"1 hour": ("01:00:00", "00:59:59"), "-6 seconds": ("6 s", "7 s")}[shift]
    assert row["status"] == "warn" and "NTP set the clock of far.example" in row["hint"]
    assert row["reason"].endswith(tuple(f"far on far.example by {by}" for by in told))
    # Its clock is set, and it is started again.
    value(well, "deregister_worker", worker_id=worker_id)
    come("0")
    assert check(well, "clocks")["status"] == "ok"


@pytest.mark.slow
def test_workers_that_do_not_tell_the_time(well: psycopg.Connection) -> None:
    for clock in (None, "infinity"):
        register(well, version=__version__, protocol=PROTOCOL, clock=clock)
    assert sick(well) == {}


@pytest.mark.slow
def test_a_slot_that_holds_wal(private_server: Server) -> None:
    install(private_server.dsn)
    with psycopg.connect(private_server.dsn, autocommit=True) as conn:
        conn.execute("select pg_create_physical_replication_slot('left_over', true)")
        assert check(conn, "replication_slots")["status"] == "ok"
        for _ in range(18):
            conn.execute("create table t (); drop table t")
            conn.execute("select pg_switch_wal()")
        row = check(conn, "replication_slots")
        assert row["status"] == "warn" and "left_over, which nobody reads" in row["reason"]
        cure(conn, "replication_slots", role=None)
        assert check(conn, "replication_slots")["status"] == "ok"


@pytest.mark.slow
def test_who_gets_our_rows(well: psycopg.Connection) -> None:
    well.execute("create table pgq.mine (id int); create publication theirs for table pgq.jobs")
    row = check(well, "publications")
    assert (row["status"], row["value"]) == ("ok", 1) and "published by theirs" in row["reason"]
    well.execute("create publication everything for all tables")
    row = check(well, "publications")
    assert (row["status"], row["value"]) == ("fail", 2) and "pgq.mine" in row["reason"]
    cure(well, "publications", role=None)
    assert check(well, "publications")["status"] == "ok"
    assert "a superuser" in check(well, "definers")["reason"]
    assert check(well, "extension")["reason"] == "the schema is a plain install"
