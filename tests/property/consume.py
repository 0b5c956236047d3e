"""What claims and settles do in the model, and what workers are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

from tests.property.state import State
from tests.property.things import Claimed, Job, Worker

LEASE = 3
ORPHAN_AFTER = 3600
GRACE = 30
BACKOFF_BASE, BACKOFF_CAP = 2, 60


class Consuming(State):
    """The half of the model that workers see."""

    def _is_paused(self, job: Job) -> bool:
        ends = [
            paused[name]
            for paused, name in ((self.paused, job.queue), (self.paused_tasks, job.task))
            if name in paused
        ]
        if self.in_turn(job.queue) and (job.queue, job.partition_key) in self.paused_keys:
            ends.append(self.paused_keys[job.queue, job.partition_key or ""])
        return any(until is None or until > self.now for until in ends)

    def in_turn(self, queue: str) -> bool:
        """Return whether a queue serves its keys in turn."""
        rate = self.rates.get(queue)
        return queue in self.fair or (rate is not None and rate.per_key)

    def claimable(self, selectors: Sequence[str], tasks: Sequence[str] | None) -> list[Job]:
        """Return what a claim may take, best first."""
        ranked = []
        for job in self.jobs.values():
            ranks = [
                rank
                for rank, selector in enumerate(selectors)
                if job.queue == selector
                or (selector.endswith("*") and job.queue.startswith(selector[:-1]))
            ]
            expired = job.expires_at is not None and job.expires_at <= self.now
            known = tasks is None or job.task in tasks
            open_to_all = job.state == "ready" and not self._is_paused(job)
            if open_to_all and ranks and known and not expired:
                ranked.append((ranks[0], job.priority, job.ready_step, job.id))
        return [self.jobs[job_id] for *_, job_id in sorted(ranked)]

    def tokens(self, queue: str, key: str) -> Fraction:
        """Return what the bucket of a key holds."""
        rate = self.rates[queue]
        if (queue, key) not in self.buckets:
            return Fraction(rate.full)
        held, counted_at = self.buckets[queue, key]
        come = Fraction(rate.limit * (self.now - counted_at), rate.interval)
        return min(Fraction(rate.full), held + come)

    def _bucket(self, job: Job) -> str | None:
        """Return the key of the bucket that a claim of the job takes a token of."""
        rate = self.rates.get(job.queue)
        if rate is None:
            return None
        return (job.partition_key or "") if rate.per_key else ""

    def has_room(self, job: Job, taken: Iterable[Job]) -> bool:
        """Return whether the limits let a job be claimed, besides those taken with it."""
        beside = [one for one in taken if one.queue == job.queue]
        running = sum(one.queue == job.queue for one in self.jobs.values() if one.claim)
        most = self.max_running.get(job.queue)
        if most is not None and running + len(beside) >= most:
            return False
        bucket = self._bucket(job)
        if bucket is None:
            return True
        spent = sum(self._bucket(one) == bucket for one in beside)
        return self.rates[job.queue].limit > 0 and self.tokens(job.queue, bucket) - spent >= 1

    def taken(self, selectors: Sequence[str], tasks: Sequence[str] | None, size: int) -> list[Job]:
        """Return what a claim of this size takes, with the limits of the queues."""
        chosen: list[Job] = []
        for job in self.claimable(selectors, tasks):
            if len(chosen) < size and self.has_room(job, chosen):
                chosen.append(job)
        return chosen

    def spend(self, jobs: Iterable[Job]) -> None:
        """Take tokens for claimed jobs."""
        spent = Counter(
            (job.queue, bucket) for job in jobs if (bucket := self._bucket(job)) is not None
        )
        for (queue, key), count in spent.items():
            self.buckets[queue, key] = self.tokens(queue, key) - count, self.now

    def next_token(self) -> Fraction | None:
        """Return when a queue whose tokens are used up has one for a job that is ready."""
        found = []
        for job in self.jobs.values():
            bucket = self._bucket(job)
            if job.state != "ready" or bucket is None or self.rates[job.queue].limit == 0:
                continue
            rate, held = self.rates[job.queue], self.tokens(job.queue, bucket)
            if (job.queue, bucket) in self.buckets and held < 1:
                found.append(self.now + (1 - held) * rate.interval / rate.limit)
        return max(min(found), self.now + Fraction(1, 20)) if found else None

    def fill_up(self) -> None:
        """Forget the buckets of keys that are full, as the upkeep does."""
        for queue, key in list(self.buckets):
            rate = self.rates.get(queue)
            if rate and rate.per_key and self.tokens(queue, key) >= rate.full:
                del self.buckets[queue, key]

    def take(self, job: Job, claimed: Claimed) -> None:
        job.state = "running"
        if job.is_unique_queued:
            job.unique_key = None
            job.is_unique_queued = False
        job.claim = claimed
        job.claimed_at = self.now

    def settle(
        self, function: str, claimed: Claimed, delay: int | None, final: bool, cancel: bool
    ) -> str:
        """Settle one claim and return its outcome."""
        job = self.jobs.get(claimed.job_id)
        if not job or job.claim != claimed:
            return "already" if job and job.last_claim == claimed.claim_id else "lost"
        if function == "complete":
            self.end(job, "succeeded")
            is_needed = any(job.id in other.edges for other in self.jobs.values())
            if job.queue in self.keeps_none and job.batch is None and not is_needed:
                del self.jobs[job.id]
            return "ok"
        if job.id in self.cancel_requests:
            self.end(job, "cancelled")
            return "cancelled"
        if cancel:
            self.end(job, "cancelled")
        elif function == "fail":
            self._fail(job, delay, final)
        else:
            self.count(job, f"{function}d")
            job.last_claim = claimed.claim_id
            job.run_at = self.now + (delay or 0)
            self.put_waiting(job)
        return "ok"

    def add_parents(self, job: Job, parents: Sequence[int], policy: str | None) -> None:
        """Make new jobs the parents of a claimed one, which is about to wait."""
        job.parents += tuple(parents)
        job.edges = {parent: [] for parent in parents}
        job.expires_at = None
        job.on_parent_failure = policy or job.on_parent_failure

    def _fail(self, job: Job, delay: int | None = None, final: bool = False) -> None:
        assert job.claim
        if job.id in self.cancel_requests:
            self.end(job, "cancelled")
        elif final or job.attempt + 1 >= job.max_attempts:
            self.end(job, "failed")
        else:
            self.count(job, "retried")
            job.last_claim = job.claim.claim_id
            job.attempt += 1
            job.expires_at = None
            backoff = min(BACKOFF_BASE * 2 ** (job.attempt - 1), BACKOFF_CAP)
            job.run_at = self.now + (backoff if delay is None else delay)
            self.put_waiting(job)

    def orders(self, worker_id: int, held: Iterable[Claimed]) -> set[tuple[str, int | None]]:
        """Say that a worker lives; return what its heartbeat answers."""
        orders: set[tuple[str, int | None]] = set()
        worker = self.workers.get(worker_id)
        if not worker:
            orders.add(("lost", None))
        else:
            self.end_silence()
            worker.heartbeat_at = self.now
            if worker.order:
                orders.add((worker.order, None))
        for claimed in held:
            job = self.jobs.get(claimed.job_id)
            if not job or job.claim != claimed:
                orders.add(("lost", claimed.job_id))
            elif job.id in self.cancel_requests:
                orders.add(("cancel", job.id))
        return orders

    def release_unanswered(self, worker_id: int, known: Collection[int]) -> int:
        """Hand back what a worker holds under other claims; return how many jobs."""
        lost = [
            job.claim
            for job in self.jobs.values()
            if job.claim and job.claim.worker_id == worker_id and job.claim.claim_id not in known
        ]
        for claimed in lost:
            self.settle("release", claimed, delay=None, final=False, cancel=False)
            self.jobs[claimed.job_id].last_claim = None
        return len(lost)

    def deregister(self, worker_id: int) -> int:
        self.workers.pop(worker_id, None)
        return self._lose(
            job for job in self.jobs.values() if job.claim and job.claim.worker_id == worker_id
        )

    def end_silence(self) -> None:
        """Somebody is about to be heard of: note it, where nobody was for half a lease."""
        heard = max((worker.heartbeat_at for worker in self.workers.values()), default=self.now)
        if self.now - heard >= LEASE / 2:
            self.silences.append((heard, self.now))

    def is_dead(self, worker: Worker) -> bool:
        """Whether a worker was silent for longer than its lease while others were heard of."""
        excuses = [
            end
            for begin, end in self.silences
            if end > worker.heartbeat_at and end - begin > LEASE / 2
        ]
        silence = self.now - max(worker.heartbeat_at, *excuses, 0)
        others = any(self.now - one.heartbeat_at < LEASE / 2 for one in self.workers.values())
        return silence > (LEASE if others else 10 * LEASE)

    def rescue(self) -> int:
        """Give up the silent workers; return how many claims were lost."""
        silent = [worker_id for worker_id, worker in self.workers.items() if self.is_dead(worker)]
        lost = sum(self.deregister(worker_id) for worker_id in silent)
        return lost + self._lose(
            job
            for job in self.jobs.values()
            if job.claim
            and job.claim.worker_id is None
            and self.now - job.claimed_at > ORPHAN_AFTER
        )

    def _lose(self, jobs: Iterable[Job], outcome: str | None = "lost") -> int:
        lost = list(jobs)
        for job in lost:
            if outcome:
                self.count(job, outcome)
            self._fail(job)
            job.last_claim = None
        return len(lost)

    def end_overdue_runs(self) -> None:
        overdue = (
            job
            for job in self.jobs.values()
            if job.claim
            and job.timeout is not None
            and job.claimed_at + job.timeout + GRACE < self.now
        )
        self._lose(overdue, None)
