"""Rules of workers: claims, settles, heartbeats and crashes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis.stateful import precondition, rule

from tests.property.produce_rules import Producing
from tests.property.strategies import FUNCTIONS, options, selections, sizes, small
from tests.property.things import Claimed, Job, Options, Worker
from tests.sql.calls import rows, value


class Consuming(Producing):
    """What workers do, and what becomes of them."""

    @rule()
    def register(self) -> None:
        worker_id = value(self.conn, "register_worker", name="w", queues=["*"], lease="3 seconds")
        self.worker_ids.append(worker_id)
        self.model.end_silence()
        self.model.workers[worker_id] = Worker(heartbeat_at=self.model.now)

    @rule(
        selectors=selections,
        size=sizes,
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
        found = [row["job_id"] for row in answers]
        if known and known.order:
            assert not found
        else:
            self.check_claimed(found, selectors, tasks, size)
        self.model.spend(self.model.jobs[one] for one in found)
        for row in answers:
            job = self.model.jobs[row["job_id"]]
            assert (row["attempt"], row["task"]) == (job.attempt + 1, job.task)
            claimed = Claimed(job.id, row["claim_id"], worker_id)
            self.claims.append(claimed)
            self.model.take(job, claimed)

    def check_claimed(
        self, found: list[int], selectors: list[str], tasks: list[str] | None, size: int
    ) -> None:
        """Check that a claim took the best, within the limits, and as much as there was."""
        model = self.model
        claimable = model.claimable(selectors, tasks)
        taken = [model.jobs[one] for one in found]
        assert len(found) == len(set(found)) <= size
        assert {job.id for job in claimable}.issuperset(found)
        for place, job in enumerate(taken):
            assert model.has_room(job, taken[:place]), f"job {job.id} is beyond a limit"
        left = [job for job in claimable if job not in taken and model.has_room(job, taken)]
        assert len(found) == size or not left, f"{[job.id for job in left]} were left behind"

        of_tenants = {(job.queue, job.partition_key) for job in claimable if self.in_turn(job)}
        for queue, tenant in of_tenants:
            best = [
                job.id for job in claimable if job.queue == queue and job.partition_key == tenant
            ]
            assert set(best[: len(set(best) & set(found))]) == set(best) & set(found)
        if not any(model.rates[one].per_key for one in model.rates):
            # Of jobs that are served in turn only the number is known; of the others, each one.
            expected = model.taken(selectors, tasks, size)
            assert len(found) == len(expected)
            others = [job.id for job in taken if not self.in_turn(job)]
            wanted = [job.id for job in expected if not self.in_turn(job)]
            short = any(not model.has_room(job, expected) for job in claimable)
            if short and len(taken) > len(others):
                # A queue gave less than its share, so the rest was shared out again. What was left
                # then of a queue that serves in turn may have been ready long before the others.
                best = model.taken(selectors, tasks, len(claimable))
                wanted = [job.id for job in best if not self.in_turn(job)][: len(others)]
            assert set(others) == set(wanted)

    def in_turn(self, job: Job) -> bool:
        """Return whether a job is in a queue that serves its keys in turn."""
        return self.model.in_turn(job.queue)

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

    @precondition(lambda self: self.claims)
    @rule(place=small, count=st.integers(1, 2), policy=st.sampled_from([None, "run", "wait"]))
    def continue_after(self, place: int, count: int, policy: str | None) -> None:
        """A job enqueues others and waits for them; a stale claim enqueues nothing."""
        self.step()
        (claimed,) = self.pick(self.claims, [place])
        job = self.model.jobs.get(claimed.job_id)
        added_job = self.arguments(Options(queue="b"))  # says its backoff, which the model knows
        call: dict[str, Any] = {
            "job_id": claimed.job_id,
            "claim_id": claimed.claim_id,
            "jobs": json.dumps([added_job] * count),
            "on_parent_failure": policy,
        }
        goes_on = job is not None and job.claim == claimed
        if job is not None and goes_on and job.id not in self.model.cancel_requests:
            if job.semaphore and job.semaphore.order:
                with pytest.raises(psycopg.Error) as caught:
                    value(self.conn, "continue_after", **call)
                assert caught.value.sqlstate == "JQ002"
                return
            answer = value(self.conn, "continue_after", **call)
            found = [one for (one,) in self.conn.execute("select id from pgq.jobs order by id")]
            added = [one for one in found if one not in self.model.jobs]
            assert len(added) == count
            for one in added:
                self.model.enqueue(one, Options(queue="b", batch=job.batch))
            self.known += added
            self.model.add_parents(job, added, policy)
        else:
            answer = value(self.conn, "continue_after", **call)
        assert answer == self.model.settle("snooze", claimed, 0, False, False)

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
        self.follow_failures()
        if function == "complete":
            self.follow()

    @rule(selectors=selections, function=st.sampled_from(["complete", "complete", "fail"]))
    def work(self, selectors: list[str], function: str) -> None:
        """A worker takes what there is, and ends it."""
        held = len(self.claims)
        self.claim(selectors=selectors, size=4, tasks=None, worker=None)
        if self.claims[held:]:
            self.settle_claims(function, self.claims[held:], delay=0, end="final")
        self.come_to_rest(size=3)

    def finish_newest(self, queue: str) -> None:
        self.work(selectors=[queue], function="complete")

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
    @rule(worker=small, function=st.sampled_from(["deregister_worker", "report_lost_worker"]))
    def leave(self, worker: int, function: str) -> None:
        """A worker says that it leaves, or somebody saw it end."""
        self.step()
        (worker_id,) = self.pick(self.worker_ids, [worker])
        lost = value(self.conn, function, worker_id=worker_id)
        assert lost == self.model.deregister(worker_id)
        self.follow_failures()

    @precondition(lambda self: self.worker_ids)
    @rule(worker=small, places=st.lists(small, max_size=3))
    def release_unanswered(self, worker: int, places: list[int]) -> None:
        (worker_id,) = self.pick(self.worker_ids, [worker])
        known = self.pick(self.claims, places) if self.claims else []
        self.release_all_but(worker_id, [claimed.claim_id for claimed in known])

    def release_all_but(self, worker_id: int, known: list[int]) -> None:
        self.step()
        released = value(self.conn, "release_unanswered", worker_id=worker_id, claim_ids=known)
        assert released == self.model.release_unanswered(worker_id, known)

    @rule(
        selectors=selections,
        sizes=st.tuples(sizes, sizes),
        cancels=st.booleans(),
        late=st.sampled_from([None, *FUNCTIONS]),
    )
    def lose_an_answer(
        self, selectors: list[str], sizes: tuple[int, int], cancels: bool, late: str | None
    ) -> None:
        """A worker holds one claim, and hears of the next only when its jobs are handed back."""
        if not self.worker_ids or self.worker_ids[-1] not in self.model.workers:
            self.register()
        worker_id, held = self.worker_ids[-1], len(self.claims)
        self.claim(selectors=selectors, size=sizes[0], tasks=None, worker=0)
        known = [claimed.claim_id for claimed in self.claims[held:]]
        held = len(self.claims)
        self.claim(selectors=selectors, size=sizes[1], tasks=None, worker=0)
        lost = self.claims[held:]
        if cancels and lost:
            self.operate_on("cancel", [lost[0].job_id], delay=0)
        self.release_all_but(worker_id, known)
        assert not any(self.model.jobs[one.job_id].claim == one for one in lost)
        if late and lost:
            self.settle_claims(late, lost, delay=0)

    @rule()
    def rescue(self) -> None:
        self.step()
        assert value(self.conn, "rescue_lost_workers") == self.model.rescue()
        self.follow_failures()

    @rule(selectors=selections, seconds=st.integers(3, 4))
    def crash_and_rescue(self, selectors: list[str], seconds: int) -> None:
        """A worker claims and falls silent beside another: what wears a job's attempts out."""
        self.register()
        self.claim(selectors=selectors, size=4, tasks=None, worker=0)
        self.register()
        for _ in range(seconds):
            self.travel(seconds=1)
            self.heartbeat(worker=0, places=[])
        self.rescue()

    @rule(selectors=selections, away=st.integers(2, 60), back=st.integers(0, 2))
    def everybody_is_silent(self, selectors: list[str], away: int, back: int) -> None:
        """The network is away: who is back within a lease of the first has lost no run."""
        for _ in range(2):
            self.register()
            self.claim(selectors=selectors, size=2, tasks=None, worker=0)
        held = [one for one in self.claims if one.worker_id in self.worker_ids[-2:]]
        self.travel(seconds=away)
        self.heartbeat(worker=0, places=[])
        self.rescue()
        self.travel(seconds=back)
        self.heartbeat(worker=1, places=[])
        self.rescue()
        for one in held:
            assert self.model.jobs[one.job_id].claim == one

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

    # Time

    @rule(seconds=st.sampled_from([1, 1, 2, 5, 60, 3601]))
    def travel(self, seconds: int) -> None:
        self.set_clock(seconds)

    def maintain(self) -> None:
        raise NotImplementedError

    def operate_on(
        self, function: str, chosen: list[int], delay: int, states: list[str] | None = None
    ) -> None:
        raise NotImplementedError
