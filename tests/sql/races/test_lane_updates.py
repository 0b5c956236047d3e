"""Claims that began before somebody updated or moved ready jobs: nobody gets one of them twice.

What upkeep does to ready jobs commits between the snapshot of a claim and its locks. There the
claim is held up, by a lock that the test puts into the function that its statement calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    outcomes,
    rows,
    scalar,
    value,
    violations,
)
from tests.sql.races.conftest import Start

JOBS = 6
# A dump from a server with higher transaction ids brings such rows.
RESTORE = "update pgq.ready set ready_xid = (4000000000 + (ready_xid::text)::bigint)::text::xid8"
HOLD = "select pg_advisory_xact_lock(4711)"
# With a mark anywhere, no claim takes the short way, which calls nothing that could be held up.
OLD_MARK = """
    insert into pgq.ready_marks (queue, priority, ready_xid, job_id, server_started_at)
    values ('other', 0, '3', 0, '2000-01-01')
"""
HELD_UP = """
    create or replace function pgq._ready_ranges(queue text)
      returns table (
        priority bigint, ready_xid xid8, job_id bigint, below bigint, last_xid xid8
      )
      language plpgsql rows 1 as $$
    begin
      perform pg_advisory_xact_lock_shared(4711);
      return query
      select -2147483648::bigint, '0'::xid8, 0::bigint, 2147483648::bigint,
        '18446744073709551615'::xid8;
    end $$
"""


def stamp(conn: psycopg.Connection, ids: list[int]) -> None:
    assert scalar(conn, "select pgq._restamp_restored_jobs(10000)") == len(ids)


def make_fair(conn: psycopg.Connection, ids: list[int]) -> None:
    value(conn, "configure_queue", queue="default", fair=True)


def reprioritise(conn: psycopg.Connection, ids: list[int]) -> None:
    assert set(outcomes(conn, "reprioritise", *ids, priority=-1)) == {"reprioritised"}


def put_off_and_run_now(conn: psycopg.Connection, ids: list[int]) -> None:
    later = scalar(conn, "select pgq._now() + interval '1 hour'")
    assert set(outcomes(conn, "retry", *ids, at=later)) == {"retried"}
    assert set(outcomes(conn, "run_now", *ids)) == {"promoted"}


def cancel_and_retry(conn: psycopg.Connection, ids: list[int]) -> None:
    assert set(outcomes(conn, "cancel", *ids)) == {"cancelled"}
    assert set(outcomes(conn, "retry", *ids)) == {"retried"}


CHANGES = [stamp, make_fair, reprioritise, put_off_and_run_now, cancel_and_retry]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("restored", [False, True])
@pytest.mark.parametrize("selectors", [["default"], ["*"]])
def test_a_claim_that_began_before_a_change(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    change: Callable[[psycopg.Connection, list[int]], None],
    restored: bool,
    selectors: list[str],
) -> None:
    ids = [enqueue(conn) for _ in range(JOBS)]
    if restored or change is stamp:
        conn.execute(RESTORE.encode())
    conn.execute(HELD_UP.encode())
    conn.execute(OLD_MARK)
    other.execute(HOLD.encode())
    claiming = start(claim, selectors, batch_size=4)
    assert claiming.waits()
    change(conn, ids)
    other.commit()
    held = claiming.result()

    assert violations(conn) == []
    held += claim(conn, selectors)
    assert sorted(one.job_id for one in held) == ids
    assert set(complete(conn, *held)) == {"ok"}
    assert violations(conn) == []


UPKEEP = [
    "select * from pgq.maintain()",
    "select pgq.configure_queue('q1', fair => true)",
    "select pgq.configure_queue('q1', fair => false)",
]


@pytest.mark.parametrize(
    "selectors", [["q1"], ["q1", "q2"], ["*"], ["q0", "*"]], ids=lambda names: "+".join(names)
)
def test_many_claims_and_upkeep_of_restored_jobs(
    conn: psycopg.Connection, start: Start, selectors: list[str]
) -> None:
    """Restored again and again, queues become fair and are not any more, while claims run."""
    enqueue_many(
        conn,
        *[
            {
                "task": "a",
                "queue": f"q{number % 3}",
                **({"partition_key": "t"} if number % 2 else {}),
            }
            for number in range(1500)
        ],
    )
    wanted = scalar(
        conn,
        "select count(*) from pgq.ready where queue = any(%s) or '*' = any(%s)",
        selectors,
        selectors,
    )

    def drain(session: psycopg.Connection) -> list[int]:
        ids = []
        # If an update of its row keeps a job from one claim, the next claim finds it.
        idle = 0
        while idle < 20:
            held = claim(session, selectors, batch_size=7)
            idle = 0 if held else idle + 1
            assert set(complete(session, *held)) <= {"ok"}
            ids += [one.job_id for one in held]
        return ids

    def tend(session: psycopg.Connection) -> None:
        for _ in range(500):
            if not scalar(session, "select exists (select from pgq.ready where queue = 'q1')"):
                return
            session.execute(RESTORE.encode())
            session.execute("select pgq._restamp_restored_jobs(10000)")
            for step in UPKEEP:
                session.execute(step.encode())

    tending = start(tend)
    drains = [start(drain) for _ in range(3)]
    counted = Counter(job_id for call in drains for job_id in call.result())
    tending.result()
    counted.update(drain(conn))
    assert len(counted) == wanted and set(counted.values()) == {1}
    assert violations(conn) == []
    assert rows(conn, "claim_batch", queues=selectors) == []
