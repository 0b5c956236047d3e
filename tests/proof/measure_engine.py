"""Measure the engine: python -m tests.proof.measure_engine [--dsn DSN]. Prints, judges nothing.

(a) claim + complete with history against a bare `DELETE … RETURNING` loop, (b) a claim of 10 with
1,000 and with 1,000,000 ready jobs, (c) a claim of 10 behind 200,000 deleted rows that another
session's snapshot keeps. Without --dsn on a temporary server of its own; with --dsn in a database
of its own on that server, dropped at the end. Takes about two minutes.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgq import embedded
from tests.servers import install

LOOP_JOBS, LOOP_BATCH, SLICE, RUNS = 20_000, 500, 2, 41
CLAIMS = 200
DEAD_ROWS = 200_000
# Durable as in production: each commit of either loop waits for its flush.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "jit": "off",
    "autovacuum": "off",
}

BARE_TABLE = """
    create table bare (
      id bigint generated always as identity primary key,
      queue text not null, priority integer not null, args jsonb not null
    );
    create index on bare (queue, priority, id)
"""
BARE_FILL = """
    insert into bare (queue, priority, args)
    select 'default', 0, '{"user_id": 1}' from generate_series(1, %s)
"""
BARE_BATCH = """
    delete from bare where id = any(array(
      select id from bare where queue = 'default' order by priority, id
      limit %s for update skip locked
    )) returning id, args
"""
FILL = """
    select count(*) from pgq.enqueue_many((
      select jsonb_agg('{"task": "work", "args": {"user_id": 1}}'::jsonb)
      from generate_series(1, %s)
    ))
"""
CLAIM = "select job_id, claim_id, args from pgq.claim_batch('{default}', batch_size => %s)"
# A worker needs to know which jobs are not ok; the others need not be sent.
COMPLETE = "select job_id, outcome from pgq.complete_batch(%s, %s) where outcome <> 'ok'"
# As a worker does it: one batch is settled and the next is claimed in one transaction.
COMPLETE_AND_CLAIM = """
    select job_id, null as claim_id, null as args, outcome
    from pgq.complete_batch(%s, %s)
    where outcome <> 'ok'
    union all
    select job_id, claim_id, args, null
    from pgq.claim_batch('{default}', batch_size => %s)
"""


def fill(conn: psycopg.Connection, jobs: int) -> None:
    """Enqueue that many jobs, at most 100,000 in a call."""
    for done in range(0, jobs, 100_000):
        conn.execute(FILL.encode(), (min(100_000, jobs - done),))


def as_array(values: Iterable[int]) -> str:
    """Write an array as text: psycopg dumps a list of as many integers several times slower."""
    return f"{{{str(list(values))[1:-1]}}}"


def complete(conn: psycopg.Connection, claimed: list[tuple[int, int, object]]) -> None:
    ids, claim_ids, _ = zip(*claimed, strict=True)
    conn.execute(COMPLETE, (as_array(ids), as_array(claim_ids)))


def seconds(step: Callable[[], object]) -> float:
    """Return how long a slice takes: some batches of one loop, before the other has its turn."""
    began = time.perf_counter()
    for _ in range(SLICE):
        step()
    return time.perf_counter() - began


class Loops:
    """A batch at a time: the least that a queue in a table can do, and the engine."""

    def __init__(self, conn: psycopg.Connection) -> None:
        """Claim the engine's first batch, so that each step settles one and claims the next."""
        self._conn = conn
        self._ids = self._claim_ids = "{}"
        fill(conn, LOOP_BATCH)
        self.engine()

    def bare(self) -> None:
        assert len(self._conn.execute(BARE_BATCH.encode(), (LOOP_BATCH,)).fetchall()) == LOOP_BATCH

    def engine(self) -> None:
        claimed = self._conn.execute(
            COMPLETE_AND_CLAIM.encode(), (self._ids, self._claim_ids, LOOP_BATCH)
        ).fetchall()
        jobs, claims, _, lost = zip(*claimed, strict=True)
        assert len(jobs) == LOOP_BATCH and not any(lost)
        self._ids, self._claim_ids = as_array(jobs), as_array(claims)


def truncate(conn: psycopg.Connection) -> None:
    conn.execute("truncate pgq.jobs, pgq.ready, pgq.running, pgq.job_history, pgq.ready_marks")


def warm_up(conn: psycopg.Connection) -> None:
    """Write as much WAL as the loops will: later segments are reused, not made and zeroed.

    A server that has run for a while is in that state; on a new one the side that writes more WAL
    would pay for its files too.
    """
    for _ in range(10):
        fill(conn, 100_000)
        truncate(conn)
    conn.execute("checkpoint")


def measure_loops(conn: psycopg.Connection) -> None:
    """Compare the loops in turns of a few batches: what disturbs the machine disturbs both."""
    warm_up(conn)
    conn.execute(BARE_TABLE.encode())
    loops = Loops(conn)
    bare, engine = [], []
    for _ in range(RUNS):
        fill(conn, LOOP_JOBS)
        conn.execute(BARE_FILL.encode(), (LOOP_JOBS,))
        slices = [
            (seconds(loops.bare), seconds(loops.engine))
            for _ in range(LOOP_JOBS // LOOP_BATCH // SLICE)
        ]
        for times, spent in zip((bare, engine), zip(*slices, strict=True), strict=True):
            times.append(sum(spent))
        conn.execute("vacuum bare, pgq.ready, pgq.running, pgq.jobs")
    print(f"(a) one connection, batches of {LOOP_BATCH}, median of {RUNS} x {LOOP_JOBS:,} jobs")
    for name, times in {
        "bare DELETE ... RETURNING": bare,
        "claim_batch + complete_batch": engine,
    }.items():
        ratio = median(floor / spent for floor, spent in zip(bare, times, strict=True))
        print(f"    {name:36} {LOOP_JOBS / median(times):10,.0f} jobs/s, {ratio:.3f} of bare")
    print("    wanted: at least 0.333 of bare")


def claim_time(conn: psycopg.Connection) -> float:
    """Return the median milliseconds of a claim of 10; the jobs are completed, untimed."""
    times = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        claimed = conn.execute(CLAIM, (10,)).fetchall()
        times.append(1000 * (time.perf_counter() - began))
        assert len(claimed) == 10
        complete(conn, claimed)
    return median(times)


def with_backlog(conn: psycopg.Connection, jobs: int) -> float:
    """Return the time of a claim while that many jobs are ready (and 2,000 more at first)."""
    truncate(conn)
    fill(conn, jobs + 10 * CLAIMS)
    return claim_time(conn)


def measure_backlogs(conn: psycopg.Connection) -> None:
    few, many = with_backlog(conn, 1_000), with_backlog(conn, 1_000_000)
    print(f"(b) a claim of 10, median of {CLAIMS}")
    print(f"    with     1,000 ready jobs           {few:10.3f} ms")
    print(f"    with 1,000,000 ready jobs           {many:10.3f} ms")
    print(f"    ratio                               {many / few:10.3f} (wanted: at most 1.5)")


def maintain(conn: psycopg.Connection) -> None:
    """Let maintain() move the marks now, however recently it has."""
    conn.execute("select pg_stat_force_next_flush()")
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'mark'")
    conn.execute("select * from pgq.maintain()")


def behind_dead_rows(
    conn: psycopg.Connection, reader: psycopg.Connection, with_marks: bool
) -> float:
    """Return the time of a claim while the reader's snapshot keeps the rows of all jobs before."""
    truncate(conn)
    with reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select pg_current_snapshot()")
        for _ in range(DEAD_ROWS // 20_000):
            fill(conn, 20_000)
            while claimed := conn.execute(CLAIM, (5_000,)).fetchall():
                complete(conn, claimed)
            if with_marks:
                maintain(conn)
        fill(conn, 20 * CLAIMS)
        if with_marks:
            maintain(conn)
        conn.execute("vacuum pgq.ready")
        return claim_time(conn)


def measure_dead_rows(conn: psycopg.Connection, connect: Callable[[], psycopg.Connection]) -> None:
    reader = connect()
    walked = behind_dead_rows(conn, reader, with_marks=False)
    marked = behind_dead_rows(conn, reader, with_marks=True)
    print(f"(c) a claim of 10 behind {DEAD_ROWS:,} deleted rows under a held snapshot")
    print(f"    without marks                       {walked:10.3f} ms")
    print(f"    with marks, as maintain() makes     {marked:10.3f} ms")


@contextmanager
def database(dsn: str | None) -> Iterator[Callable[[], psycopg.Connection]]:
    """Yield a way to open sessions on a fresh database that holds the schema."""
    with ExitStack() as stack:
        if dsn is None:
            server = stack.enter_context(embedded.start(None, settings=SETTINGS))
            dsn = server.dsn
        admin = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        name = f"pgq_measure_{secrets.token_hex(4)}"
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        drop = sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
        stack.callback(lambda: admin.execute(drop))
        place = make_conninfo(dsn, dbname=name)
        install(place)

        def connect() -> psycopg.Connection:
            return stack.enter_context(psycopg.connect(place, autocommit=True))

        yield connect


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a server to measure, instead of a temporary one")
    with database(parser.parse_args().dsn) as connect:
        conn = connect()
        row = conn.execute("select current_setting('server_version')").fetchone()
        print(f"Postgres {row and row[0]}")
        measure_loops(conn)
        measure_backlogs(conn)
        measure_dead_rows(conn, connect)


if __name__ == "__main__":
    main()
