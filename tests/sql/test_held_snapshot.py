"""What a job costs does not grow with the jobs that ran while another session held a snapshot.

Then no deleted row, and no index entry of one, goes away: a walk over them gets slower with
every job. Counted are the buffers of single calls, before and after a pile of jobs of one kind; the
benchmark (`pgq bench pinned`) measures the time of as many kinds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import psycopg
import pytest

from pgq.bench.pile import KINDS, Job, Pile
from tests.conftest import Connect
from tests.sql.calls import PILED, buffers, claim, enqueue_many, outcomes, rows, scalar

PILE = 2000
# An index gets higher, and more pages of a table are looked at for room.
MORE = 20
# A whole cycle looks into more tables, and starts a few dozen rows behind the last mark.
MORE_OF_A_CYCLE = 150

USED_AGAIN = "unique key, used again"
"""Its unique index holds an entry for each use, and Postgres looks at all of them."""

UPKEEP = """
    update pgq.maintenance set due_at = '-infinity'
    where step in ('mark', 'id_mark', 'limit')
"""
SETTLE = "select * from pgq.{call}_batch(array[%s::bigint], array[%s::bigint])"
ENQUEUE = "select * from pgq.enqueue_many(%s::jsonb)"
PROMOTE = "select * from pgq.promote_due()"
CLAIM = "select * from pgq.claim_batch(array['default'])"
RUNNING = "select job_id, claim_id from pgq.running"


def settles(conn: psycopg.Connection, job: Job) -> dict[str, int]:
    """Return the buffers of the settles of a job each; its claim is that of the lane."""
    found = {}
    for call in ("complete", "fail", "release"):
        enqueue_many(conn, {"task": "measured", **job})
        rows(conn, "promote_due")
        (held,) = claim(conn, tasks=["measured"])
        found[call] = buffers(conn, SETTLE.format(call=call), held.job_id, held.claim_id)
        outcomes(conn, "discard", held.job_id)
    return found


def cycle(conn: psycopg.Connection, jobs: list[Job]) -> dict[str, int]:
    """Return the buffers of each call in the life of a job, or of the jobs of a flow."""
    text = json.dumps([{"task": "pile", **job} for job in jobs])
    found: dict[str, int] = {"enqueue": buffers(conn, ENQUEUE, text)}
    for turn in range(2 * len(jobs)):
        found[f"promote {turn}"] = buffers(conn, PROMOTE)
        found[f"claim {turn}"] = buffers(conn, CLAIM)
        for job_id, claim_id in conn.execute(RUNNING).fetchall():
            settle = SETTLE.format(call="complete")
            found[f"complete {turn}"] = buffers(conn, settle, job_id, claim_id)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0
    return found


def tend(conn: psycopg.Connection) -> None:
    """Do what workers do every second; the statistics are never far behind."""
    conn.execute("select pg_stat_force_next_flush()")
    conn.execute(UPKEEP)
    rows(conn, "maintain")


def pile_up(conn: psycopg.Connection, pile: Pile, jobs: int) -> None:
    until = pile.count + jobs
    while pile.count < until:
        for _ in range(200 // pile.kind.batch):
            pile.run(pile.kind.batch)
        tend(conn)


@pytest.fixture
def reader(connect: Connect) -> Iterator[Callable[[], None]]:
    session = connect(autocommit=False)

    def hold() -> None:
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from pgq.jobs")

    yield hold
    session.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_settles_walk_over_nobody_elses_dead_rows(
    conn: psycopg.Connection, reader: Callable[[], None], kind: str
) -> None:
    pile = Pile(conn, kind)
    pile.run(pile.kind.batch)
    reader()
    settles(conn, {})
    before = settles(conn, {})
    pile_up(conn, pile, PILE)
    after = settles(conn, {})
    grown = {call: after[call] - before[call] for call in after}
    assert max(grown.values()) <= MORE, (before, after)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != USED_AGAIN])
def test_one_more_job_of_its_kind_costs_what_the_first_did(
    conn: psycopg.Connection, reader: Callable[[], None], kind: str
) -> None:
    """The least of several: marks are made by chance, and make the call dearer that makes one."""
    conn.execute(PILED)
    pile = Pile(conn, kind)
    pile_up(conn, pile, 200)
    conn.execute("vacuum analyze")
    reader()
    before = least(cycle(conn, pile.kind.jobs(place)) for place in range(-5, 0))
    pile_up(conn, pile, 2 * PILE)
    after = least(cycle(conn, pile.kind.jobs(place)) for place in range(-15, -5))
    grown = {call: after[call] - before[call] for call in before if call in after}
    assert sum(grown.values()) <= MORE_OF_A_CYCLE, (before, after)


def least(cycles: Iterator[dict[str, int]]) -> dict[str, int]:
    return min(cycles, key=lambda found: sum(found.values()))


@pytest.mark.slow
def test_a_unique_key_that_is_used_again_costs_a_page_a_use_and_no_more(
    conn: psycopg.Connection, reader: Callable[[], None]
) -> None:
    """The bound is that of the unique index, where every use has left an entry."""
    pile = Pile(conn, USED_AGAIN)
    pile_up(conn, pile, 200)
    conn.execute("vacuum analyze")
    reader()
    before = sum(cycle(conn, pile.kind.jobs(0)).values())
    pile_up(conn, pile, 600)
    after = sum(cycle(conn, pile.kind.jobs(0)).values())
    assert after - before <= 1.2 * 600 + MORE_OF_A_CYCLE


@pytest.mark.slow
@pytest.mark.parametrize("step", ["timeout", "stray"])
def test_who_looks_at_all_runs_reads_pages_and_not_each_dead_row(
    conn: psycopg.Connection, reader: Callable[[], None], step: str
) -> None:
    """By their ids they would be read one by one, since they did not run in this order."""
    look = f"select pgq._do_step('{step}', 1000, true)"
    reader()
    buffers(conn, look)
    before = buffers(conn, look)
    enqueue_many(conn, *({"task": "pile", "priority": place % 2} for place in range(PILE)))
    while held := claim(conn, batch_size=100):
        ids = [one.job_id for one in held]
        conn.execute("select pgq.complete_batch(%s, %s)", (ids, [one.claim_id for one in held]))
    pages = scalar(conn, "select pg_relation_size('pgq.running') / 8192")
    assert buffers(conn, look) - before <= 2 * pages + MORE < PILE / 4


ONE_PARENT = """
    insert into pgq.dependencies (child_id, parent_id)
    select 1000000 + number, 999999 from generate_series(1, 20000) as number;
    analyze pgq.dependencies
"""


@pytest.mark.slow
def test_children_are_found_by_their_parent_whatever_statistics_say(
    conn: psycopg.Connection,
) -> None:
    """Statistics that know of a single parent make any index look as good."""
    before = settles(conn, {})
    conn.execute(ONE_PARENT.encode())
    conn.execute("discard plans")
    after = settles(conn, {})
    grown = {call: after[call] - before[call] for call in after}
    assert max(grown.values()) <= MORE, (before, after)
    conn.execute("delete from pgq.dependencies")
