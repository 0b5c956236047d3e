"""The fold of stat_deltas: exact, however late a settle commits."""

from __future__ import annotations

import random
from collections import Counter

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import Claim, buffers, claim, complete, enqueue_many, rows, scalar
from tests.sql.statistics.counting import counted, fold, left, minutes, to_noon, totals


def held(conn: psycopg.Connection, number: int = 1, task: str = "work") -> list[Claim]:
    enqueue_many(conn, *({"task": task} for _ in range(number)))
    return claim(conn, batch_size=number)


def work(conn: psycopg.Connection, number: int = 1, task: str = "work") -> None:
    complete(conn, *held(conn, number, task))


def assert_all_is_counted(conn: psycopg.Connection, jobs: int) -> None:
    assert left(conn) == 0
    assert totals(conn)["succeeded"] == jobs
    assert scalar(conn, "select sum(jobs) from pgq.stat_periods") == jobs
    for histogram in ("waits", "runs"):
        query = f"select sum(n) from pgq.stat_periods, unnest(pgq._counts_of({histogram})) as n"
        assert scalar(conn, query) == jobs
        query = f"select sum({histogram}[11]) from pgq.stat_totals where task <> ''"
        assert scalar(conn, query) == jobs


@pytest.mark.slow
def test_maintain_counts(conn: psycopg.Connection) -> None:
    work(conn, 3)
    work(conn, 2)
    assert {"step": "statistics", "affected": 2} in rows(conn, "maintain")
    assert_all_is_counted(conn, 5)
    assert fold(conn) == 0


@pytest.mark.slow
def test_each_minute_by_itself(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    work(conn, 3)
    travel("1 minute")
    work(conn, 4)
    fold(conn)
    work(conn, 5)
    fold(conn)
    assert minutes(conn) == [("12:00", 3), ("12:01", 9)]
    assert totals(conn) == {"succeeded": 12}


@pytest.mark.parametrize("in_savepoint", [False, True])
def test_a_late_commit_is_counted_in_its_own_minute(
    conn: psycopg.Connection, connect: Connect, travel: Travel, in_savepoint: bool
) -> None:
    to_noon(conn, travel)
    late = connect(autocommit=False)
    one = held(conn, 2)
    if in_savepoint:
        late.execute("savepoint a")
    complete(late, *one)
    if in_savepoint:
        late.execute("release savepoint a")
    for _ in range(3):
        work(conn)
        fold(conn)
    travel("1 hour")
    work(conn)
    fold(conn)
    late.commit()
    fold(conn)
    assert minutes(conn) == [("12:00", 5), ("13:00", 1)]
    assert_all_is_counted(conn, 6)


def test_a_prepared_transaction_is_counted_when_it_commits(
    conn: psycopg.Connection, connect: Connect
) -> None:
    if not int(scalar(conn, "show max_prepared_transactions")):
        pytest.skip("prepared transactions are off on this server")
    late = connect(autocommit=False)
    complete(late, *held(conn))
    late.execute("prepare transaction 'pgq statistics'")
    late.close()
    try:
        work(conn)
        fold(conn)
        work(conn)
        fold(conn)
        assert totals(conn) == {"succeeded": 2}
    finally:
        conn.execute("commit prepared 'pgq statistics'")
    fold(conn)
    assert_all_is_counted(conn, 3)


def test_what_a_transaction_settles_after_its_own_fold(conn: psycopg.Connection) -> None:
    """maintain() does: its steps share a transaction, which is open to itself."""
    for _ in range(3):
        with conn.transaction():
            work(conn)
            assert fold(conn)
            work(conn)
    fold(conn)
    assert_all_is_counted(conn, 6)


def test_a_transaction_that_is_open_for_long_folds_twice(
    conn: psycopg.Connection, connect: Connect
) -> None:
    long = connect(autocommit=False)
    work(long)
    work(conn)
    assert fold(conn) == 1
    assert fold(long) == 1
    work(conn)
    work(long)
    assert fold(long) == 2
    work(long)
    assert fold(conn) == 0, "the other holds the row"
    long.commit()
    work(conn)
    assert fold(conn) == 2
    assert_all_is_counted(conn, 6)


@pytest.mark.slow
def test_a_fold_that_fails_leaves_all(conn: psycopg.Connection) -> None:
    work(conn)
    with conn.transaction(force_rollback=True):
        assert fold(conn) == 1
    assert left(conn) == 1
    with conn.transaction():
        with conn.transaction(force_rollback=True):
            assert fold(conn) == 1
        work(conn)
    assert fold(conn) == 2
    assert_all_is_counted(conn, 2)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_it_is_passed_over_under_one_snapshot(
    conn: psycopg.Connection, connect: Connect, level: str
) -> None:
    old = connect(autocommit=False)
    old.execute(f"set transaction isolation level {level}".encode())
    work(conn)
    old.execute("select from pgq.stat_deltas")
    fold(conn)
    assert fold(old) == 0
    assert {"step": "statistics", "affected": 0} in rows(old, "maintain")
    old.rollback()
    assert_all_is_counted(conn, 1)


def test_a_second_fold_at_a_time_does_nothing(conn: psycopg.Connection, connect: Connect) -> None:
    other = connect(autocommit=False)
    work(conn)
    assert fold(other) == 1
    work(conn)
    assert fold(conn) == 0
    other.commit()
    assert fold(conn) == 1
    assert_all_is_counted(conn, 2)


@pytest.mark.slow
def test_a_bounded_fold_goes_on_where_it_stopped(
    conn: psycopg.Connection, connect: Connect
) -> None:
    late = connect(autocommit=False)
    early = held(conn, 3)
    for one in early:
        complete(late, one)
    for _ in range(5):
        work(conn)
    assert fold(conn, 2) == 2
    late.commit()
    taken = [fold(conn, 2) for _ in range(5)]
    assert taken == [2, 2, 2, 0, 0]
    assert_all_is_counted(conn, 8)


def test_a_fold_says_that_there_is_more_where_the_jobs_are_very_many(
    conn: psycopg.Connection,
) -> None:
    insert = (
        "insert into pgq.stat_deltas (minute, jobs, wait_us, run_us, queue, task, outcome, waits,"
        " runs) select '2030-01-01 12:00+00', 600000, 0, 0, 'q', 't', 'cancelled', '', ''"
        " from generate_series(1, 5)"
    )
    conn.execute(insert.encode())
    assert [fold(conn, 100) for _ in range(4)] == [100, 100, 1, 0]
    assert totals(conn) == {"cancelled": 3_000_000}


@pytest.mark.parametrize("most", [3, 20_000])
def test_deltas_of_a_restore_from_a_server_with_higher_transactions(
    conn: psycopg.Connection, most: int
) -> None:
    """Rows that are restored onto a younger server, and the fold, name transactions to come."""
    work(conn)
    fold(conn)
    for _ in range(5):
        work(conn)
    conn.execute("update pgq.stat_deltas set xid = (xid::text::bigint + 1000000)::text::xid8")
    conn.execute(
        "update pgq.stat_folds set next_xid = '1000000', late_xids = '{999999}',"
        " server_started_at = '2001-01-01'"
    )
    work(conn)
    while left(conn):
        assert fold(conn, most)
        work(conn) if counted(conn)["succeeded"] < 10 else None
    work(conn)
    fold(conn)
    assert_all_is_counted(conn, 11)


@pytest.mark.slow
def test_a_clock_that_jumps(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    one = held(conn)
    travel("-1 hour")
    complete(conn, *one)
    travel("2 hours")
    work(conn)
    travel("-1 day")
    fold(conn)
    assert minutes(conn) == [("11:00", 1), ("13:00", 1)]
    assert scalar(conn, "select min(least(wait_us, run_us)) from pgq.stat_periods") >= 0
    assert_all_is_counted(conn, 2)


@pytest.mark.slow
def test_a_held_snapshot_does_not_slow_it(conn: psycopg.Connection, connect: Connect) -> None:
    old = connect(autocommit=False)
    old.execute("set transaction isolation level repeatable read")
    old.execute("select from pgq.stat_deltas")
    conn.execute(
        "insert into pgq.stat_deltas (minute, jobs, wait_us, run_us, queue, task, outcome, waits,"
        " runs) select '2030-01-01 12:00+00', 1, 0, 0, 'q', 't', 'succeeded', 'A', 'A'"
        " from generate_series(1, 5000)"
    )
    assert fold(conn) == 5000
    work(conn)
    fold(conn)
    work(conn)
    next_xid = scalar(conn, "select next_xid from pgq.stat_folds")
    conn.execute("set enable_seqscan = off")
    look = "select ctid from pgq.stat_deltas where xid >= %s order by xid, id limit 20000"
    assert buffers(conn, look, next_xid) < 10
    assert fold(conn) == 1


class Steps:
    """Settles in six transactions at a time, and folds; `expected` are the jobs that ended."""

    def __init__(self, conn: psycopg.Connection, connect: Connect, seed: int) -> None:
        self.conn = conn
        self.sessions = [connect(autocommit=False) for _ in range(6)]
        self.pending = [0] * 6
        self.expected = 0
        self.random = random.Random(seed)

    def settle(self, at: int, number: int) -> None:
        complete(self.sessions[at], *held(self.conn, number))
        self.pending[at] += number

    def savepoint(self, at: int, number: int) -> None:
        self.sessions[at].execute("savepoint s")
        self.settle(at, number)
        if self.random.random() < 0.5:
            self.sessions[at].execute("rollback to s")
            self.pending[at] -= number

    def commit(self, at: int, number: int) -> None:
        self.sessions[at].commit()
        self.expected += self.pending[at]
        self.pending[at] = 0

    def roll_back(self, at: int, number: int) -> None:
        self.sessions[at].rollback()
        self.pending[at] = 0

    def fold(self, at: int, number: int) -> None:
        fold(self.conn, self.random.choice([3, 20_000]))

    def settle_around_folds(self, at: int, number: int) -> None:
        with self.conn.transaction():
            for _ in range(2):
                work(self.conn, number)
                self.fold(at, number)
            work(self.conn, number)
        self.expected += 3 * number

    def fail_to_fold(self, at: int, number: int) -> None:
        with self.conn.transaction(force_rollback=True):
            work(self.conn, number)
            fold(self.conn)


@pytest.mark.slow
def test_random_steps(conn: psycopg.Connection, connect: Connect) -> None:
    steps = Steps(conn, connect, 4711)
    known = (
        steps.settle, steps.settle, steps.savepoint, steps.commit, steps.commit, steps.roll_back,
        steps.fold, steps.settle_around_folds, steps.fail_to_fold,
    )  # fmt: skip
    for _ in range(600):
        steps.random.choice(known)(steps.random.randrange(6), steps.random.randrange(1, 6))
    for at in range(6):
        steps.commit(at, 0)
    while left(conn):
        assert fold(conn, 50)
    assert_all_is_counted(conn, steps.expected)


@pytest.mark.slow
def test_a_thousand_series_a_day(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    work(conn, task="known")
    fold(conn)
    for start in range(0, 1000, 500):
        many = [{"task": f"task {number}"} for number in range(start, start + 500)]
        enqueue_many(conn, *many)
        complete(conn, *claim(conn, batch_size=500))
    enqueue_many(conn, {"task": "known", "queue": "one too many"}, {"task": "known"})
    complete(conn, *claim(conn))
    fold(conn)
    pairs = Counter(
        dict(
            conn.execute(
                "select queue || ' ' || task, sum(jobs)::bigint from pgq.stat_periods group by 1"
            ).fetchall()
        )
    )
    assert len(pairs) == 1002
    assert pairs["default known"] == 2
    assert pairs["default (other)"] == pairs["(other) (other)"] == 1
    assert scalar(conn, "select count(*) from pgq.stat_series") == 1000
    travel("1 day")
    work(conn, task="new")
    fold(conn)
    assert scalar(conn, "select jobs from pgq.stat_periods where task = 'new'") == 1
    assert_all_is_counted(conn, 1004)
