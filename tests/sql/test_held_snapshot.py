"""What a job costs does not grow with the jobs that ran while another session held a snapshot.

Then no deleted row, and no index entry of one, goes away: whoever walks over them gets slower with
every job. Counted are the buffers of single calls, before and after a pile of jobs of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import (
    Claim,
    buffers,
    claim,
    complete,
    enqueue_many,
    outcomes,
    rows,
    settle,
    value,
)

PILE, BATCH = 2000, 200
# The pages of an index grow in height, and those of a table in number that are looked at for room.
MORE = 20

Job = dict[str, Any]


def of_keys(place: int) -> list[Job]:
    return [{"concurrency_key": f"k{place % 40}", "concurrency_limit": 500}]


def flow(place: int) -> list[Job]:
    return [{"ref": f"p{place}"}, {"depends_on": [f"p{place}"]}]


KINDS: dict[str, Callable[[int], list[Job]]] = {
    "plain": lambda place: [{}],
    "semaphores": of_keys,
    "flows": flow,
    "awaited": lambda place: [{}],
    "keys": lambda place: [{"unique_key": f"u{place}"}],
    "queued keys": lambda place: [{"unique_key": f"u{place}", "unique_while": "queued"}],
    "windows": lambda place: [{"unique_key": f"u{place}", "unique_for": "1 hour"}],
    "scheduled": lambda place: [{"run_at": "2020-01-01"}],
    "cancelled": lambda place: [{}],
    "released": lambda place: [{}],
    "batches": lambda place: [{}],
}


class Pile:
    """Jobs of one kind, from enqueue to end."""

    def __init__(self, conn: psycopg.Connection, kind: str) -> None:
        self.conn = conn
        self.kind = kind
        self.count = 0

    def run(self, jobs: int) -> None:
        batch = value(self.conn, "create_batch") if self.kind == "batches" else None
        made: list[Job] = []
        while len(made) < jobs:
            made += KINDS[self.kind](self.count + len(made))
        self.count += len(made)
        enqueue_many(self.conn, *[{"task": "pile", "batch_id": batch, **job} for job in made])
        if batch is not None:
            value(self.conn, "close_batch", batch_id=batch)
        while True:
            rows(self.conn, "promote_due")
            held = claim(self.conn, batch_size=jobs)
            if not held:
                return
            self.end(held)

    def end(self, held: list[Claim]) -> None:
        ids = [one.job_id for one in held]
        if self.kind == "awaited":
            rows(self.conn, "await_jobs", ids=ids)
        if self.kind == "released":
            settle(self.conn, "release_batch", held)
            held = claim(self.conn, batch_size=len(held))
        if self.kind == "cancelled":
            outcomes(self.conn, "cancel", *ids)
            settle(self.conn, "fail_batch", held)
        else:
            assert set(complete(self.conn, *held)) == {"ok"}


def costs(conn: psycopg.Connection, job: Job) -> dict[str, int]:
    """Return the buffers of the settles of a job each; its claim is that of the lane."""
    found = {}
    for call in ("complete", "fail", "release"):
        enqueue_many(conn, {"task": "measured", **job})
        rows(conn, "promote_due")
        (held,) = claim(conn, tasks=["measured"])
        settled = f"select * from pgq.{call}_batch(array[%s::bigint], array[%s::bigint])"
        found[call] = buffers(conn, settled, held.job_id, held.claim_id)
        outcomes(conn, "discard", held.job_id)
    return found


@pytest.fixture
def reader(connect: Connect) -> Iterator[Callable[[], None]]:
    session = connect(autocommit=False)

    def hold() -> None:
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from pgq.jobs")

    yield hold
    session.rollback()


@pytest.mark.parametrize("kind", KINDS)
def test_settles_walk_over_nobody_elses_dead_rows(
    conn: psycopg.Connection, reader: Callable[[], None], kind: str
) -> None:
    pile = Pile(conn, kind)
    pile.run(BATCH)
    reader()
    costs(conn, {})
    before = costs(conn, {})
    while pile.count < PILE:
        pile.run(BATCH)
    after = costs(conn, {})
    grown = {call: after[call] - before[call] for call in after}
    assert max(grown.values()) <= MORE, (before, after)


ONE_PARENT = """
    insert into pgq.dependencies (child_id, parent_id)
    select 1000000 + number, 999999 from generate_series(1, 20000) as number;
    analyze pgq.dependencies
"""


def test_children_are_found_by_their_parent_whatever_statistics_say(
    conn: psycopg.Connection,
) -> None:
    """Statistics that know of a single parent make any index look as good."""
    before = costs(conn, {})
    conn.execute(ONE_PARENT.encode())
    conn.execute("discard plans")
    after = costs(conn, {})
    grown = {call: after[call] - before[call] for call in after}
    assert max(grown.values()) <= MORE, (before, after)
    conn.execute("delete from pgq.dependencies")
