"""What all random calls have in common: the model beside the database, compared after each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import psycopg
from hypothesis.stateful import RuleBasedStateMachine, invariant
from psycopg.rows import dict_row

from tests.property.batches import check_batches_at_rest, follow_batches
from tests.property.blocked import check_rest, follow
from tests.property.model import Model
from tests.property.state import LETTERS
from tests.property.strategies import UNIQUE_KEYS
from tests.property.things import PUTTING_OFF, Claimed, Options, Semaphore
from tests.sql.calls import rows, scalar

BACKOFF = '{"kind": "exponential", "base": 2, "cap": 60, "jitter": 0}'
EPOCH = "timestamptz '2030-01-01 12:00+00'"
CLOCK = f"""
    create table public.clock (seconds bigint not null);
    insert into public.clock values (0);
    create or replace function pgq._now() returns timestamptz language sql as
    $$ select {EPOCH} + seconds * interval '1 second' from public.clock $$
"""
# What jobs of the task y get where a call says nothing; a call does not say what is the same.
DEFAULTS = {
    **{name: getattr(LETTERS, name) for name in ("queue", "priority", "max_attempts")},
    "backoff": BACKOFF,
}
CONFIGURED = f"""
    select pgq.configure_task(
      'y', queue => '{LETTERS.queue}', priority => {LETTERS.priority},
      max_attempts => {LETTERS.max_attempts}, backoff => '{BACKOFF}', on_exhausted => 'y')
"""
RESET = f"""
    delete from pgq.jobs; delete from pgq.scheduled; delete from pgq.ready;
    delete from pgq.running; delete from pgq.job_history; delete from pgq.cancel_requests;
    delete from pgq.workers; delete from pgq.worker_orders; delete from pgq.silences;
    delete from pgq.queues; delete from pgq.pauses; delete from pgq.retention;
    delete from pgq.blocked; delete from pgq.dependencies; delete from pgq.slots;
    delete from pgq.semaphores; delete from pgq.releases; delete from pgq.turns;
    delete from pgq.rate_buckets; delete from pgq.key_windows; delete from pgq.queued_keys;
    delete from pgq.batches; delete from pgq.key_marks; delete from pgq.id_marks;
    delete from pgq.ready_marks; delete from pgq.task_marks; delete from pgq.bulk_operations;
    delete from pgq.stat_deltas; delete from pgq.stat_periods; delete from pgq.stat_totals;
    delete from pgq.stat_errors; delete from pgq.stat_error_hours;
    insert into pgq.queues (name, fair, backoff)
    values ('f', true, pgq._parse_backoff('{BACKOFF}'));
    update public.clock set seconds = 0
"""
SECONDS = f"extract(epoch from %s - {EPOCH})::float8"
FOUND = f"""
    select id, state, queue, task, priority, attempt, max_attempts,
      {SECONDS % "run_at"}, unique_key, {SECONDS % "expires_at"},
      coalesce(args -> 'items', '[]')
    from pgq.all_jobs
"""
SLOTS = f"""
    select job_id, concurrency_key, weight, {SECONDS % "expires_at"}, in_order from pgq.slots
"""
PROGRESS = """
    select batch.id, total, waiting, running, done.succeeded, failed, cancelled, expired
    from pgq.batches as batch
    cross join lateral pgq.batch_progress(batch.id) as done
"""
OWNERS = f"""
    select key, job_id, {SECONDS % "until_at"}
    from unnest(%s::text[]) as key
    cross join lateral pgq.unique_key_owner(key)
"""
COUNTED = """
    select queue, task, outcome, sum(jobs)::bigint, sum(run_us) / 1000000
    from (
      select queue, task, outcome, jobs, run_us from pgq.stat_periods
      union all
      select queue, task, outcome, jobs, run_us from pgq.stat_deltas where error is null
    ) as counted
    group by queue, task, outcome
"""
LEFT = "select exists (select from pgq.releases) or exists (select from pgq.blocked where is_new)"


class Machine(RuleBasedStateMachine):
    """Calls the functions and the model side by side; `conn` is given by the test."""

    conn: ClassVar[psycopg.Connection]
    model: Model
    claims: list[Claimed]
    known: list[int]
    worker_ids: list[int]

    def reset(self) -> None:
        self.conn.execute(RESET.encode())
        self.model = Model()
        self.claims, self.known, self.worker_ids = [], [], []

    def step(self) -> None:
        self.model.step += 1

    def pick(self, things: Sequence[Any], places: Sequence[int]) -> list[Any]:
        """Choose different things, small places meaning the newest."""
        chosen = (things[-1 - place % len(things)] for place in places)
        return list(dict.fromkeys(chosen))

    def set_clock(self, seconds: int) -> None:
        self.model.now += seconds
        self.conn.execute("update public.clock set seconds = %s", (self.model.now,))

    def arguments(self, wanted: Options) -> dict[str, Any]:
        given = {
            "task": wanted.task,
            "queue": wanted.queue,
            "priority": wanted.priority,
            "delay": f"{wanted.delay} seconds",
            "expires_in": wanted.expires_in and f"{wanted.expires_in} seconds",
            "max_attempts": wanted.max_attempts,
            "backoff": BACKOFF,
            "unique_key": wanted.unique_key,
            **self.key_arguments(wanted),
            "timeout": wanted.timeout and f"{wanted.timeout} seconds",
            "depends_on": list(wanted.parents) or None,
            "on_parent_failure": wanted.on_parent_failure if wanted.parents else None,
            "partition_key": wanted.partition_key,
            "batch_id": wanted.batch,
            "headers": wanted.tag and {"tag": wanted.tag},
            "args": {"items": wanted.items} if wanted.items else {},
            **self.semaphore_arguments(wanted.semaphore),
        }
        same = DEFAULTS.items() if wanted.task == "y" else ()
        return {name: value for name, value in given.items() if (name, value) not in same}

    def semaphore_arguments(self, asked: Semaphore | None) -> dict[str, Any]:
        if asked is None:
            return {}
        return {
            "concurrency_key": asked.key,
            "concurrency_limit": asked.limit,
            "concurrency_weight": asked.weight,
            "concurrency_duration": asked.duration and f"{asked.duration} seconds",
            "concurrency_on_conflict": "discard" if asked.discard else None,
            "concurrency_order": asked.order,
        }

    def key_arguments(self, wanted: Options) -> dict[str, Any]:
        if wanted.unique_key is None:
            return {}
        return {
            "on_conflict": wanted.on_conflict,
            "unique_while": wanted.unique_while,
            "unique_for": wanted.unique_for and f"{wanted.unique_for} seconds",
            "max_wait": f"{wanted.max_wait} seconds"
            if wanted.max_wait and wanted.on_conflict in PUTTING_OFF
            else None,
        }

    def with_batch(self, wanted: Options) -> Options:
        """Name a batch for the place that was drawn."""
        if wanted.batch is None or not self.model.batches:
            return replace(wanted, batch=None)
        (batch,) = self.pick(list(self.model.batches), [wanted.batch])
        return replace(wanted, batch=batch)

    def with_parents(self, wanted: Options) -> Options:
        """Name jobs for the places that were drawn; a replaced job keeps its parents."""
        if wanted.on_conflict in PUTTING_OFF or not self.known:
            return replace(wanted, parents=())
        return replace(wanted, parents=tuple(self.pick(self.known, wanted.parents)))

    # The model follows what promotion does

    def come_to_rest(self, size: int) -> None:
        """Promote until it says that nothing is left to do now."""
        for _ in range(500):
            if not self.promote_some(size):
                check_rest(self.model)
                check_batches_at_rest(self.model)
                return
        raise AssertionError("promotion comes to no rest")

    def promote_some(self, size: int) -> bool:
        """Promote once; return whether there may be more to do."""
        self.step()
        was_left = scalar(self.conn, LEFT)
        (answer,) = rows(self.conn, "promote_due", batch_size=size)
        promoted, next_due = self.model.promote(size)
        self.follow()
        assert answer["promoted"] >= promoted
        due = answer["next_due_at"]
        if due is not None:
            due = scalar(self.conn, f"select {SECONDS}", due)
        if not was_left and not promoted:
            assert answer["promoted"] == 0
        token = self.model.next_token()
        times = [at for at in (next_due, token) if at is not None]
        as_expected = due is None if not times else due is not None and near(due, min(times))
        assert as_expected or ((was_left or promoted) and due == self.model.now)
        return due is not None and due <= self.model.now

    def follow(self) -> None:
        """Move the model's jobs and batches to where the database has them, if that is lawful."""
        states: dict[int, str] = dict(self.conn.execute("select id, state from pgq.all_jobs"))
        follow(self.model, states, self.edges())
        finished: dict[int, bool] = dict(
            self.conn.execute("select id, succeeded from pgq.batches where finished_at is not null")
        )
        strangers = [one for one in states if one not in self.model.jobs]
        with self.conn.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute("select * from pgq.all_jobs where id = any(%s)", (strangers,))
            self.known += follow_batches(self.model, finished, found.fetchall())

    def follow_failures(self) -> None:
        """Add to the model what was enqueued for the jobs that have just failed."""
        due, self.model.letters_due = self.model.letters_due, Counter()
        found = self.conn.execute(
            "select (headers ->> 'exhausted_from')::bigint, id from pgq.jobs"
            " where headers ? 'exhausted_from' and id <> all(%s) order by id",
            (list(self.model.jobs),),
        ).fetchall()
        assert Counter(failed for failed, _ in found) == due
        for _, letter in found:
            self.model.enqueue(letter, LETTERS)
            self.known.append(letter)

    def edges(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for child, parent in self.conn.execute("select child_id, parent_id from pgq.dependencies"):
            found.setdefault(child, set()).add(parent)
        return found

    # After every step

    @invariant()
    def the_database_is_sound(self) -> None:
        assert rows(self.conn, "verify") == []

    @invariant()
    def the_database_is_as_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        found = {row[0]: row[1:] for row in self.conn.execute(FOUND.encode())}
        wanted = self.model.rows()
        different = {
            key: (found.get(key), wanted.get(key))
            for key in {*found, *wanted}
            if found.get(key) != wanted.get(key)
        }
        assert not different, f"(database, model) differ: {different}"
        assert self.edges() == {job.id: set(job.edges) for job in self.model.blocked_by_parents()}
        slots = {row[0]: row[1:] for row in self.conn.execute(SLOTS.encode())}
        assert slots == {
            job_id: (slot.key, slot.weight, slot.expires_at, slot.order)
            for job_id, slot in self.model.slots.items()
        }
        assert {
            row[0]: row[1:] for row in self.conn.execute(PROGRESS.encode())
        } == self.model.progress()
        counted = self.conn.execute(COUNTED.encode()).fetchall()
        assert {row[:3]: row[3] for row in counted} == self.model.counted
        assert +Counter({row[:3]: int(row[4]) for row in counted}) == +self.model.run_seconds
        owners = self.conn.execute(OWNERS.encode(), (list(UNIQUE_KEYS),)).fetchall()
        assert {row[0]: row[1:] for row in owners} == self.model.key_owners(UNIQUE_KEYS)


def near(found: float, expected: float | Fraction) -> bool:
    return abs(found - float(expected)) < 1e-3
