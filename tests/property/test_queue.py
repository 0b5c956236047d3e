"""Random sequences of calls on a real database, compared with the model after every step.

PGQ_SEED repeats a run (a failure prints it), PGQ_EXAMPLES sets how many sequences are tried.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.property.blocked import check_rest, follow
from tests.property.model import Claimed, Job, Model, Options, Semaphore, Worker
from tests.sql.calls import rows, scalar, value

EXAMPLES = int(os.environ.get("PGQ_EXAMPLES", "220"))
STEPS = 40
BACKOFF = '{"kind": "exponential", "base": 2, "cap": 60, "jitter": 0}'
EPOCH = "timestamptz '2030-01-01 12:00+00'"
CLOCK = f"""
    create table public.clock (seconds bigint not null);
    insert into public.clock values (0);
    create or replace function pgq._now() returns timestamptz language sql as
    $$ select {EPOCH} + seconds * interval '1 second' from public.clock $$
"""
RESET = """
    delete from pgq.jobs; delete from pgq.scheduled; delete from pgq.ready;
    delete from pgq.running; delete from pgq.job_history; delete from pgq.cancel_requests;
    delete from pgq.workers; delete from pgq.worker_orders; delete from pgq.queues;
    delete from pgq.blocked; delete from pgq.dependencies; delete from pgq.slots;
    delete from pgq.semaphores; delete from pgq.releases; delete from pgq.turns;
    insert into pgq.queues (name, fair) values ('f', true);
    update public.clock set seconds = 0
"""
SECONDS = f"extract(epoch from %s - {EPOCH})::bigint"
FOUND = f"""
    select id, state, queue, task, priority, attempt, max_attempts,
      {SECONDS % "run_at"}, unique_key, {SECONDS % "expires_at"}
    from pgq.all_jobs
"""
SLOTS = f"""
    select job_id, concurrency_key, weight, {SECONDS % "expires_at"} from pgq.slots
"""
LEFT = "select exists (select from pgq.releases) or exists (select from pgq.blocked where is_new)"
FUNCTIONS = ("complete", "fail", "snooze", "release")

small = st.integers(0, 7)
queues = st.sampled_from(["a", "a", "ab", "b", "f"])
keys = st.sampled_from(["p", "p", "q"])
semaphores = st.builds(
    Semaphore,
    key=keys,
    limit=st.integers(2, 3),
    weight=st.sampled_from([1, 1, 2]),
    duration=st.sampled_from([None, None, 4]),
    discard=st.sampled_from([False, False, False, True]),
)
options = st.builds(
    Options,
    queue=queues,
    task=st.sampled_from(["x", "x", "y"]),
    priority=st.integers(-1, 1),
    delay=st.sampled_from([0, 0, 0, 1, 5]),
    expires_in=st.sampled_from([None, None, None, 3]),
    max_attempts=st.integers(1, 3),
    unique_key=st.sampled_from([None, None, "k", "l"]),
    on_conflict=st.sampled_from([None, "return", "raise", "replace", "bump"]),
    timeout=st.sampled_from([None, None, 3, 40]),
    semaphore=st.none() | semaphores,
    parents=st.sampled_from([(), (), (), (0,), (0,), (1,), (0, 2), (3, 5)]),
    on_parent_failure=st.sampled_from([None, "cancel", "run", "wait"]),
    partition_key=st.sampled_from([None, "s", "t"]),
)
batches = st.lists(options.filter(lambda one: one.on_conflict != "raise"), max_size=8)
selections = st.sampled_from(
    [["a"], ["a*"], ["*"], ["b", "a"], ["ab", "*"], ["b", "a*", "*"], ["f"]]
)


class QueueMachine(RuleBasedStateMachine):
    """Calls the functions and the model side by side; `conn` is given by the test."""

    conn: ClassVar[psycopg.Connection]

    @initialize(many=batches)
    def begin(self, many: list[Options]) -> None:
        self.conn.execute(RESET.encode())
        self.model = Model()
        self.claims: list[Claimed] = []
        self.known: list[int] = []
        self.worker_ids: list[int] = []
        self.enqueue_many(many=many)

    def step(self) -> None:
        self.model.step += 1

    def pick(self, things: Sequence[Any], places: Sequence[int]) -> list[Any]:
        """Choose different things, small places meaning the newest."""
        chosen = (things[-1 - place % len(things)] for place in places)
        return list(dict.fromkeys(chosen))

    # Produce

    def arguments(self, wanted: Options) -> dict[str, Any]:
        return {
            "task": wanted.task,
            "queue": wanted.queue,
            "priority": wanted.priority,
            "delay": f"{wanted.delay} seconds",
            "expires_in": wanted.expires_in and f"{wanted.expires_in} seconds",
            "max_attempts": wanted.max_attempts,
            "backoff": BACKOFF,
            "unique_key": wanted.unique_key,
            "on_conflict": wanted.on_conflict if wanted.unique_key else None,
            "timeout": wanted.timeout and f"{wanted.timeout} seconds",
            "depends_on": list(wanted.parents) or None,
            "on_parent_failure": wanted.on_parent_failure if wanted.parents else None,
            "partition_key": wanted.partition_key,
            **self.semaphore_arguments(wanted.semaphore),
        }

    def semaphore_arguments(self, asked: Semaphore | None) -> dict[str, Any]:
        if asked is None:
            return {}
        return {
            "concurrency_key": asked.key,
            "concurrency_limit": asked.limit,
            "concurrency_weight": asked.weight,
            "concurrency_duration": asked.duration and f"{asked.duration} seconds",
            "concurrency_on_conflict": "discard" if asked.discard else None,
        }

    def with_parents(self, wanted: Options) -> Options:
        """Name jobs for the places that were drawn; a replaced job keeps its parents."""
        if wanted.on_conflict == "replace" or not self.known:
            return replace(wanted, parents=())
        return replace(wanted, parents=tuple(self.pick(self.known, wanted.parents)))

    def enqueued(self, job_id: int, wanted: Options) -> bool:
        owner = self.model.owner(wanted.unique_key)
        if owner:
            assert owner.id == job_id
            self.model.enqueue_again(owner, wanted)
        else:
            assert job_id not in self.known
            self.known.append(job_id)
            self.model.enqueue(job_id, wanted)
        return owner is None

    @rule(wanted=options)
    def enqueue(self, wanted: Options) -> None:
        self.step()
        wanted = self.with_parents(wanted)
        if wanted.on_conflict == "raise" and self.model.owner(wanted.unique_key):
            with pytest.raises(psycopg.Error) as caught:
                value(self.conn, "enqueue", **self.arguments(wanted))
            assert caught.value.sqlstate == "JQ003"
        else:
            self.enqueued(value(self.conn, "enqueue", **self.arguments(wanted)), wanted)

    @rule(many=batches)
    def enqueue_many(self, many: list[Options]) -> None:
        self.step()
        many = [self.with_parents(wanted) for wanted in many]
        jobs = json.dumps([self.arguments(wanted) for wanted in many])
        answers = rows(self.conn, "enqueue_many", jobs=jobs)
        assert len(answers) == len(many)
        in_order = sorted(
            zip(many, answers, strict=True), key=lambda pair: pair[0].unique_key or ""
        )
        for wanted, answer in in_order:
            assert self.enqueued(answer["id"], wanted) == answer["created"]

    # Consume

    @rule()
    def register(self) -> None:
        worker_id = value(self.conn, "register_worker", name="w", queues=["*"], lease="1 second")
        self.worker_ids.append(worker_id)
        self.model.workers[worker_id] = Worker(heartbeat_at=self.model.now)

    @rule(
        selectors=selections,
        size=st.integers(1, 4),
        tasks=st.sampled_from([None, None, None, ["x"], ["y"]]),
        worker=st.none() | small,
    )
    def claim(
        self, selectors: list[str], size: int, tasks: list[str] | None, worker: int | None
    ) -> None:
        self.step()
        worker_id = None
        if worker is not None and self.worker_ids:
            (worker_id,) = self.pick(self.worker_ids, [worker])
        call = {
            "queues": selectors,
            "batch_size": size,
            "tasks": tasks,
            "worker_id": worker_id,
        }
        known = self.model.workers.get(worker_id) if worker_id is not None else None
        if worker_id is not None and not known:
            with pytest.raises(psycopg.Error) as caught:
                rows(self.conn, "claim_batch", **call)
            assert caught.value.sqlstate == "JQ004"
            return
        answers = rows(self.conn, "claim_batch", **call)
        expected = self.model.taken(selectors, tasks, size)
        if known and known.order:
            expected = []
        self.check_claimed([row["job_id"] for row in answers], expected, selectors, tasks)
        for row in answers:
            job = self.model.jobs[row["job_id"]]
            assert (row["attempt"], row["task"]) == (job.attempt + 1, job.task)
            claimed = Claimed(job.id, row["claim_id"], worker_id)
            self.claims.append(claimed)
            self.model.take(job, claimed)

    def check_claimed(
        self,
        claimed: list[int],
        expected: list[Job],
        selectors: list[str],
        tasks: list[str] | None,
    ) -> None:
        """Of a fair queue only the number of jobs is known, and that each tenant gives its best."""
        assert len(claimed) == len(set(claimed))
        got = {one for one in claimed if self.model.jobs[one].queue != "f"}
        assert got == {job.id for job in expected if job.queue != "f"}
        assert len(claimed) == len(expected)
        for tenant in (None, "s", "t"):
            best = [
                job.id
                for job in self.model.claimable(selectors, tasks)
                if job.queue == "f" and job.partition_key == tenant
            ]
            taken = [one for one in claimed if one in best]
            assert set(taken) == set(best[: len(taken)])

    @precondition(lambda self: self.claims)
    @rule(
        function=st.sampled_from(FUNCTIONS),
        places=st.lists(small, min_size=1, max_size=3),
        delay=st.sampled_from([0, 0, 1, 5]),
        own_delay=st.booleans(),
        end=st.sampled_from(["retry", "final", "cancel"]),
    )
    def settle(
        self, function: str, places: list[int], delay: int, own_delay: bool, end: str
    ) -> None:
        """Settle claims, held or not: a stale one is what a crashed worker would bring."""
        newest = {claimed.job_id: claimed for claimed in self.pick(self.claims, places)}
        asked = delay if function == "snooze" or own_delay else None
        self.settle_claims(function, list(newest.values()), asked, end)

    def settle_claims(
        self, function: str, claims: list[Claimed], delay: int | None, end: str = "retry"
    ) -> None:
        self.step()
        call: dict[str, Any] = {
            "ids": [claimed.job_id for claimed in claims],
            "claim_ids": [claimed.claim_id for claimed in claims],
        }
        if function == "fail":
            call["final"] = [end == "final"] * len(claims)
            call["cancel"] = [end == "cancel"] * len(claims)
            call["retry_in"] = [None if delay is None else f"{delay} s"] * len(claims)
        else:
            end = "retry"
            if function == "snooze":
                call["delays"] = [f"{delay} seconds"] * len(claims)
            else:
                delay = None
        answers = rows(self.conn, f"{function}_batch", **call)
        final, cancel = end == "final", end == "cancel"
        expected = [self.model.settle(function, one, delay, final, cancel) for one in claims]
        assert [row["outcome"] for row in answers] == expected
        if function == "complete":
            self.follow()

    @rule(selectors=selections, function=st.sampled_from(["complete", "complete", "fail"]))
    def work(self, selectors: list[str], function: str) -> None:
        """A worker takes what there is, and ends it."""
        held = len(self.claims)
        self.claim(selectors=selectors, size=4, tasks=None, worker=None)
        if self.claims[held:]:
            self.settle_claims(function, self.claims[held:], delay=0, end="final")
        self.drain(size=3)

    @precondition(lambda self: self.worker_ids)
    @rule(worker=small, places=st.lists(small, max_size=3))
    def heartbeat(self, worker: int, places: list[int]) -> None:
        (worker_id,) = self.pick(self.worker_ids, [worker])
        held = self.pick(self.claims, places) if self.claims else []
        answers = rows(
            self.conn,
            "heartbeat",
            worker_id=worker_id,
            ids=[claimed.job_id for claimed in held],
            claim_ids=[claimed.claim_id for claimed in held],
        )
        orders = {(row["instruction"], row["job_id"]) for row in answers}
        if worker_id not in self.model.workers:  # its order is swept up later, by a rescue
            orders -= {("pause", None), ("stop", None)}
        assert orders == self.model.orders(worker_id, held)

    @precondition(lambda self: self.worker_ids)
    @rule(worker=small)
    def deregister(self, worker: int) -> None:
        self.step()
        (worker_id,) = self.pick(self.worker_ids, [worker])
        lost = value(self.conn, "deregister_worker", worker_id=worker_id)
        assert lost == self.model.deregister(worker_id)

    @rule()
    def rescue(self) -> None:
        self.step()
        assert value(self.conn, "rescue_lost_workers") == self.model.rescue()

    @rule(selectors=selections, seconds=st.integers(1, 2))
    def crash_and_rescue(self, selectors: list[str], seconds: int) -> None:
        """A new worker claims, falls silent and is given up: what wears a job's attempts out."""
        self.register()
        self.claim(selectors=selectors, size=4, tasks=None, worker=0)
        self.travel(seconds=seconds)
        self.rescue()

    @precondition(lambda self: self.claims)
    @rule(
        place=small,
        back=st.sampled_from(["release", "fail"]),
        size=st.integers(1, 3),
        late=st.sampled_from(FUNCTIONS),
    )
    def zombie(self, place: int, back: str, size: int, late: str) -> None:
        """A claim is handed back, the job claimed again, and then the first claim speaks up."""
        (stale,) = self.pick(self.claims, [place])
        job = self.model.jobs.get(stale.job_id)
        self.settle_claims(back, [stale], delay=0)
        self.claim(selectors=[job.queue if job else "*"], size=size, tasks=None, worker=None)
        self.settle_claims(late, [stale], delay=0)

    @precondition(lambda self: self.claims)
    @rule(place=small, function=st.sampled_from(FUNCTIONS))
    def cancel_and_settle(self, place: int, function: str) -> None:
        (claimed,) = self.pick(self.claims, [place])
        self.operate_on("cancel", [claimed.job_id], delay=0)
        self.settle_claims(function, [claimed], delay=0)

    @rule(selectors=selections, seconds=st.sampled_from([33, 34, 71]))
    def run_too_long(self, selectors: list[str], seconds: int) -> None:
        """A claim without a worker outlives its timeout: only maintain() can end it."""
        self.claim(selectors=selectors, size=4, tasks=None, worker=None)
        self.travel(seconds=seconds)
        self.maintain()

    @precondition(lambda self: self.claims)
    @rule(place=small, wanted=options)
    def fail_and_enqueue_again(self, place: int, wanted: Options) -> None:
        (claimed,) = self.pick(self.claims, [place])
        self.settle_claims("fail", [claimed], delay=0)
        self.enqueue(wanted=replace(wanted, unique_key=self.key_of(claimed.job_id)))

    # Time and operators

    @rule(seconds=st.sampled_from([1, 1, 2, 5, 60, 3601]))
    def travel(self, seconds: int) -> None:
        self.model.now += seconds
        self.conn.execute("update public.clock set seconds = %s", (self.model.now,))

    @rule(size=st.integers(1, 5))
    def promote(self, size: int) -> None:
        self.promote_some(size)

    @rule(size=st.integers(2, 5))
    def drain(self, size: int) -> None:
        """Promote until it says that nothing is left to do now."""
        for _ in range(500):
            if not self.promote_some(size):
                check_rest(self.model)
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
        assert due == next_due or ((was_left or promoted) and due == self.model.now)
        return due is not None and due <= self.model.now

    def follow(self) -> None:
        states: dict[int, str] = dict(self.conn.execute("select id, state from pgq.all_jobs"))
        follow(self.model, states, self.edges())

    def edges(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for child, parent in self.conn.execute("select child_id, parent_id from pgq.dependencies"):
            found.setdefault(child, set()).add(parent)
        return found

    @precondition(lambda self: self.known)
    @rule(
        function=st.sampled_from(["cancel", "retry", "discard", "reprioritise"]),
        places=st.lists(small, min_size=1, max_size=3),
        delay=st.sampled_from([0, 0, 5]),
        rest=st.booleans(),
    )
    def operate(self, function: str, places: list[int], delay: int, rest: bool) -> None:
        """Change jobs, mostly in the middle of a promotion, or else when it has come to rest."""
        if rest:
            self.drain(size=5)
        self.operate_on(function, sorted(self.pick(self.known, places)), delay)
        if rest:
            self.drain(size=5)

    @rule(key=keys, function=st.sampled_from(["cancel", "discard", "reprioritise"]))
    def stand_in_the_way(self, key: str, function: str) -> None:
        """Another fits as soon as a heavy waiter, which nobody may overtake, has gone."""
        for weight in (1, 2, 1):
            self.enqueue(wanted=Options(queue="b", semaphore=Semaphore(key, 2, weight)))
        self.drain(size=5)
        self.operate_on(function, [self.known[-2]], delay=5)
        self.drain(size=5)

    def operate_on(self, function: str, chosen: list[int], delay: int) -> None:
        self.step()
        call: dict[str, Any] = {"ids": chosen}
        if function == "retry":
            at = f"select pgq._now() + {delay} * interval '1 second'"
            call["at"] = scalar(self.conn, at)
            expected = self.model.retry(chosen, delay)
        elif function == "reprioritise":
            call["priority"] = delay - 1
            expected = {one: self.model.reprioritise(one, delay - 1) for one in chosen}
        else:
            change = self.model.cancel if function == "cancel" else self.model.discard
            expected = {one: change(one) for one in chosen}
        answers = rows(self.conn, function, **call)
        assert {row["job_id"]: row["outcome"] for row in answers} == expected

    def key_of(self, job_id: int) -> str | None:
        job = self.model.jobs.get(job_id)
        return job.unique_key if job else None

    @rule(queue=queues, seconds=st.sampled_from([None, 2]))
    def pause(self, queue: str, seconds: int | None) -> None:
        duration = seconds and f"{seconds} seconds"
        value(self.conn, "pause_queue", queue=queue, duration=duration)
        self.model.paused[queue] = seconds and self.model.now + seconds

    @rule(queue=queues)
    def resume(self, queue: str) -> None:
        value(self.conn, "resume_queue", queue=queue)
        self.model.paused.pop(queue, None)

    @rule(queue=queues, include_scheduled=st.booleans())
    def clear(self, queue: str, include_scheduled: bool) -> None:
        cleared = value(self.conn, "clear_queue", queue=queue, include_scheduled=include_scheduled)
        assert cleared == self.model.clear(queue, include_scheduled)

    @rule(queue=queues, most=st.sampled_from([-1, 0, 1, 2]))
    def limit_queue(self, queue: str, most: int) -> None:
        value(self.conn, "configure_queue", queue=queue, max_running=most)
        self.model.max_running[queue] = most
        if most == -1:
            del self.model.max_running[queue]

    @rule(queue=queues, most=st.integers(0, 2))
    def crowd(self, queue: str, most: int) -> None:
        """More claims than a queue may have running."""
        self.limit_queue(queue=queue, most=most)
        for _ in range(2):
            self.enqueue(wanted=Options(queue=queue))
            self.claim(selectors=[queue], size=2, tasks=None, worker=None)

    @rule(key=keys, most=st.sampled_from([None, None, 0, 1, 3]))
    def configure_semaphore(self, key: str, most: int | None) -> None:
        value(self.conn, "configure_semaphore", concurrency_key=key, max_slots=most)
        self.model.configured.pop(key, None)
        if most is not None:
            self.model.configured[key] = most

    @rule(key=keys)
    def release_semaphore(self, key: str) -> None:
        released = value(self.conn, "release_semaphore", concurrency_key=key)
        assert released == self.model.release_semaphore(key)

    @precondition(lambda self: self.worker_ids)
    @rule(worker=small, instruction=st.sampled_from(["pause", "stop", "resume", "resume"]))
    def order(self, worker: int, instruction: str) -> None:
        (worker_id,) = self.pick(self.worker_ids, [worker])
        known = self.model.workers.get(worker_id)
        told = value(self.conn, "order_worker", worker_id=worker_id, instruction=instruction)
        assert told == (known is not None)
        if known:
            known.order = None if instruction == "resume" else instruction

    @rule()
    def maintain(self) -> None:
        self.step()
        self.conn.execute(
            "update pgq.maintenance set due_at = '-infinity' where step <> 'partition'"
        )
        rows(self.conn, "maintain")
        self.model.maintain()

    # After every step

    @invariant()
    def the_database_is_sound(self) -> None:
        assert rows(self.conn, "verify") == []

    @invariant()
    def the_database_is_as_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        found = {row[0]: row[1:] for row in self.conn.execute(FOUND.encode())}
        assert found == self.model.rows()
        assert self.edges() == {job.id: set(job.edges) for job in self.model.blocked_by_parents()}
        slots = {row[0]: row[1:] for row in self.conn.execute(SLOTS.encode())}
        assert slots == {
            job_id: (slot.key, slot.weight, slot.expires_at)
            for job_id, slot in self.model.slots.items()
        }


@pytest.mark.timeout(600)
def test_random_sequences(conn: psycopg.Connection) -> None:
    chosen = int(os.environ.get("PGQ_SEED") or secrets.randbelow(1 << 32))
    print(f"PGQ_SEED={chosen} repeats this run")
    conn.execute(CLOCK.encode())
    # Silence counts from the start of the server: a lease of a second needs one that is older.
    while scalar(conn, "select clock_timestamp() - pg_postmaster_start_time() < interval '1.1 s'"):
        time.sleep(0.1)
    machine = type("QueueMachine", (QueueMachine,), {"conn": conn})
    run_state_machine_as_test(
        seed(chosen)(machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
