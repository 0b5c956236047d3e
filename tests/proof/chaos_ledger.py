"""The ledger of tests.proof.chaos_semaphores: runs noted as they begin and end, and a replay."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

Row = tuple[Any, ...]

# The running lane notes the runs itself, no matter who claims or ends them: each begins in the
# transaction of its claim, which slots come before, and ends in the one that gives them back. All
# that time it holds its slots.
#
# What jobs tell later proves no end: an error that says when a run was lost goes with a job that is
# discarded. Such runs seemed to last until their next one began, and others above the limit.
LEDGER = """
create table ledger (
  job_id bigint not null,
  claim_id bigint not null,
  key text not null,
  weight integer not null,
  ready_at timestamptz not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (job_id, claim_id)
);
create index on ledger (job_id) where ended_at is null;
create table limits (
  key text not null,
  max_slots integer,
  since timestamptz not null,
  until timestamptz not null default 'infinity'
);
create function note_run() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into public.ledger (job_id, claim_id, key, weight, ready_at)
    select new.job_id, new.claim_id, job.concurrency ->> 'key',
      (job.concurrency ->> 'weight')::integer, new.ready_at
    from pgq.jobs as job
    where job.id = new.job_id;
  else
    -- Not by its claim: that is another one by now if it was taken away.
    update public.ledger set ended_at = clock_timestamp()
    where job_id = old.job_id and ended_at is null;
  end if;
  return null;
end
$$;
create trigger note_run after insert or delete on pgq.running
for each row execute function note_run();
"""
RUNS = """
    select key, weight, ready_at, started_at, coalesce(ended_at, clock_timestamp())
    from ledger
    order by started_at
"""
SETTLES = {
    "complete": "select * from pgq.complete_batch(%s, %s)",
    "retry": "select * from pgq.fail_batch(%s, %s)",
    "fail": "select * from pgq.fail_batch(%s, %s, final => array_fill(true, '{10}'))",
    "snooze": "select * from pgq.snooze_batch(%s, %s, %s::interval[])",
    "release": "select * from pgq.release_batch(%s, %s)",
    "rollback": "select * from pgq.complete_batch(%s, %s)",
}


@dataclass(frozen=True)
class Semaphore:
    """A key with what its jobs bring along."""

    key: str
    limit: int
    weights: tuple[int, ...]


def claim(conn: psycopg.Connection, worker_id: int | None, size: int) -> list[Row]:
    """Claim jobs; return their ids and claim ids."""
    query = "select job_id, claim_id from pgq.claim_batch('{*}', %s, %s)"
    return conn.execute(query, (worker_id, size)).fetchall()


def settle(
    conn: psycopg.Connection, how: str, ids: list[int], claim_ids: list[int], delays: list[str]
) -> None:
    """Settle runs of one claim."""
    values = (ids, claim_ids, delays) if how == "snooze" else (ids, claim_ids)
    conn.execute(SETTLES[how].encode(), values)


def configure(conn: psycopg.Connection, key: str, limit: int | None) -> None:
    """Change a limit, and note from when on it may have counted, and until when."""
    new = "insert into limits (key, max_slots, since) values (%s, %s, clock_timestamp())"
    conn.execute(new, (key, limit))
    conn.execute("select pgq.configure_semaphore(%s, %s)", (key, limit))
    old = (
        "update limits set until = clock_timestamp() where key = %s and until = 'infinity'"
        " and since < (select max(since) from limits where key = %s)"
    )
    conn.execute(old, (key, key))


@dataclass(frozen=True)
class Run:
    """A run as the ledger has it."""

    weight: int
    ready_at: datetime
    started_at: datetime
    ended_at: datetime


@dataclass
class Replay:
    """How many runs there were, by key the most slots in use and how many were allowed then, and
    how many starts were above what was allowed."""

    starts: int = 0
    over: int = 0
    overlaps: dict[str, tuple[int, int]] = field(default_factory=dict)


def replay(conn: psycopg.Connection, semaphores: list[Semaphore]) -> Replay:
    """Count from the ledger how many slots of each key were in use at once."""
    found = Replay()
    runs: dict[str, list[Run]] = defaultdict(list)
    for key, *values in conn.execute(RUNS.encode()):
        runs[key].append(Run(*values))
    query = "select key, since, case when until < 'infinity' then until end, max_slots from limits"
    limits: dict[str, list[Row]] = defaultdict(list)
    for key, *limit in conn.execute(query):
        limits[key].append(tuple(limit))
    found.starts = sum(map(len, runs.values()))
    for semaphore in semaphores:
        largest, room = 0, semaphore.limit
        open_runs: list[Run] = []
        for run in runs[semaphore.key]:
            open_runs = [each for each in open_runs if each.ended_at > run.started_at] + [run]
            used = sum(each.weight for each in open_runs)
            allowed = allowed_slots(open_runs, semaphore.limit, limits[semaphore.key])
            found.over += used > allowed
            if (used > allowed, used) > (largest > room, largest):
                largest, room = used, allowed
        found.overlaps[semaphore.key] = (largest, room)
    return found


def allowed_slots(runs: list[Run], own_limit: int, limits: list[Row]) -> int:
    """Return the largest limit under which the last of these runs may have been given its slots.

    It was given them between the promotion's first look at the clock and its start, while the
    others held theirs: they may have more than a limit that was lowered later. One alone may be
    heavier than the limit.
    """
    if len(runs) == 1:
        return max(runs[0].weight, own_limit)
    newest = max(run.ready_at for run in runs)
    last = [run for run in runs if run.started_at >= newest]
    return max(
        own_limit if max_slots is None else max_slots
        for since, until, max_slots in limits
        for run in last
        if since <= run.started_at and (until is None or until >= run.ready_at)
    )
