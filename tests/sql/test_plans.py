"""What the hot functions read costs the same at any backlog, as auto_explain tells.

Every scan of a lane or of the jobs goes by an index and touches about as many rows as the call asks
for: on tables that were never analyzed, with generic plans that were cached while the tables were
empty, and with a million ready or
future jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    register,
    rows,
    settle,
)

BATCH = 10
QUEUES = 20
TABLES = ("jobs", "ready", "scheduled", "running", "job_history")
# Best first over all queues looks at two jobs of each of them, and deeper into few.
MOST_ROWS = 2 * (BATCH + QUEUES)
NODE = re.compile(
    r"(?P<node>\w[\w ]*?)(?: using \w+)?(?: on (?P<table>\w+)[^(]*)?"
    r" +\(cost=.*\(actual rows=(?P<rows>[0-9]+)[.0-9]* loops=(?P<loops>[0-9]+)\)"
)
REMOVED = re.compile(r"Rows Removed by (?:Filter|Index Recheck|Join Filter): (\d+)")

LOAD = """
    insert into pgq.jobs (id, queue, task, priority, max_attempts, run_at, created_at, args)
    select number, 'q' || number % {queues}, 'work', number % 3, 5,
      pgq._now() + case when number > {ready} then interval '1 hour' else interval '0' end,
      pgq._now(), '{{}}'
    from generate_series(1, {ready} + {scheduled}) as number;
    insert into pgq.ready (queue, priority, job_id, task, ready_at)
    select queue, priority, id, task, created_at from pgq.jobs where id <= {ready};
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select id, run_at, priority, queue from pgq.jobs where id > {ready};
    update pgq.scheduled set run_at = pgq._now() - interval '1 s' where job_id % 100 = 0;
    update pgq.jobs set run_at = scheduled.run_at
    from pgq.scheduled where scheduled.job_id = jobs.id and jobs.id % 100 = 0;
    select setval('pgq.jobs_id_seq', {ready} + {scheduled});
"""


class Plans:
    """Collects the plans of what a session runs, down to the statements inside functions."""

    def __init__(self, conn: psycopg.Connection) -> None:
        try:
            conn.execute("load 'auto_explain'")
        except psycopg.Error as error:
            pytest.skip(f"auto_explain: {error}")
        conn.execute(
            "set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;"
            "set auto_explain.log_analyze = on; set auto_explain.log_timing = off;"
            "set client_min_messages = log"
        )
        conn.add_notice_handler(self._note)
        self._texts: list[str] = []
        self.checked = 0

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.message_primary and "plan:" in notice.message_primary:
            self._texts.append(notice.message_primary)

    @contextmanager
    def stay_small(self, most: int = MOST_ROWS) -> Iterator[None]:
        """Assert of the statements run inside: indexes only, and at most so many rows read."""
        self._texts.clear()
        yield
        scanned = set()
        for text in self._texts:
            for line in text.splitlines():
                if removed := REMOVED.search(line):
                    assert int(removed.group(1)) <= most, text
                if not (match := NODE.search(line)):
                    continue
                node, table = match["node"].strip(), match["table"] or ""
                if table == "jobs_id_seq":  # one row, read as a whole
                    continue
                if "Scan" in node and table.startswith(TABLES):
                    scanned.add(table)
                    assert not node.endswith(("Seq Scan", "Bitmap Heap Scan")), text
                if node.endswith("Sort") or table.startswith(TABLES):
                    assert int(match["rows"]) * int(match["loops"]) <= most, text
        assert scanned, "no scan of a table was seen: did the plans change their looks?"
        self.checked += 1


def load(conn: psycopg.Connection, ready: int, scheduled: int) -> None:
    statements = LOAD.format(ready=ready, scheduled=scheduled, queues=QUEUES)
    conn.execute(statements.encode())


def run_everything(conn: psycopg.Connection, plans: Plans | None = None) -> None:
    """Call the hot functions once each; with plans, check what every call read."""

    @contextmanager
    def step() -> Iterator[None]:
        if plans is None:
            yield
            return
        with plans.stay_small():
            yield

    keyed = [{"task": "work", "unique_key": f"k{n}", "unique_for": "1 s"} for n in range(5)]
    with step(), conn.transaction(force_rollback=True):
        for how in ("return", "replace"):
            enqueue_many(conn, *[{**job, "on_conflict": how} for job in keyed], {"task": "work"})

    worker_id = register(conn)
    with step():
        held = claim(conn, ["q1"], BATCH, worker_id=worker_id)
    with step():
        held += claim(conn, ["*"], BATCH, worker_id=worker_id)
    with step():
        held += claim(conn, ["q2", "q3*", "*"], BATCH, tasks=["work"], worker_id=worker_id)
    with step():
        rows(conn, "promote_due", batch_size=BATCH)
    if not held:
        return
    with step():
        complete(conn, *held[:BATCH], results=["1"] * BATCH)
    with step():
        fail(conn, *held[10:15], messages=["boom"] * 5)
    with step():
        settle(conn, "snooze_batch", held[15:20], delays=["1 hour"] * 5)
    with step():
        settle(conn, "release_batch", held[20:25])
    stale = held[:BATCH]
    with step():
        assert set(complete(conn, *stale)) == {"already"}
    fence = {"ids": [one.job_id for one in held], "claim_ids": [one.claim_id for one in held]}
    with step():
        rows(conn, "heartbeat", worker_id=worker_id, **fence)
    with step():
        conn.execute("select pgq._end_overdue_runs(100)")
    waiting = [row[0] for row in conn.execute("select job_id from pgq.ready limit 10")]
    with step():
        outcomes(conn, "cancel", *waiting)
    with step():
        outcomes(conn, "retry", *waiting[:5])
    with step():
        outcomes(conn, "discard", *waiting)
    with step():
        enqueue(conn, unique_key="k", delay="1 hour")
        enqueue(conn, unique_key="k", on_conflict="replace")
    with step():
        rows(conn, "result", job_id=held[0].job_id)


def assert_everything_reads_little(conn: psycopg.Connection) -> None:
    plans = Plans(conn)
    run_everything(conn, plans)
    assert plans.checked > 10  # it had enough jobs for all steps


@pytest.mark.slow
def test_on_a_table_that_was_never_analyzed(conn: psycopg.Connection) -> None:
    load(conn, ready=20_000, scheduled=20_000)
    assert_everything_reads_little(conn)


@pytest.mark.slow
def test_with_plans_cached_while_it_was_empty(conn: psycopg.Connection) -> None:
    for _ in range(7):
        run_everything(conn)
    conn.execute("delete from pgq.jobs; delete from pgq.ready")
    load(conn, ready=20_000, scheduled=20_000)
    assert_everything_reads_little(conn)


@pytest.mark.slow
def test_with_plans_cached_while_it_was_small(conn: psycopg.Connection) -> None:
    load(conn, ready=60, scheduled=60)
    conn.execute("analyze")
    for _ in range(2):
        run_everything(conn)
    conn.execute(
        "delete from pgq.jobs; delete from pgq.ready; delete from pgq.scheduled;"
        "delete from pgq.running; delete from pgq.job_history"
    )
    load(conn, ready=20_000, scheduled=20_000)
    assert_everything_reads_little(conn)


@pytest.mark.newest
@pytest.mark.slow
@pytest.mark.parametrize(("ready", "scheduled"), [(1_000_000, 20_000), (20_000, 1_000_000)])
def test_with_a_million_jobs_ready_or_in_the_future(
    conn: psycopg.Connection, ready: int, scheduled: int
) -> None:
    load(conn, ready, scheduled)
    assert_everything_reads_little(conn)
