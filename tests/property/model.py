"""What a queue should do, in plain Python: the model that the SQL functions are compared with.

Time is a number of seconds. A step is one call; jobs that the same step makes ready queue up by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

LEASE = 1
ORPHAN_AFTER = 3600
GRACE = 30
BACKOFF_BASE, BACKOFF_CAP = 2, 60
WAITING = ("ready", "scheduled")


@dataclass(frozen=True)
class Options:
    """The options of an enqueue that the model knows."""

    queue: str = "a"
    task: str = "x"
    priority: int = 0
    delay: int = 0
    expires_in: int | None = None
    max_attempts: int = 3
    unique_key: str | None = None
    on_conflict: str | None = None
    timeout: int | None = None


@dataclass(frozen=True)
class Claimed:
    job_id: int
    claim_id: int
    worker_id: int | None


@dataclass
class Job:
    id: int
    state: str
    queue: str
    task: str
    priority: int
    run_at: int
    expires_at: int | None
    max_attempts: int
    unique_key: str | None
    timeout: int | None
    attempt: int = 0
    ready_step: int = 0
    claim: Claimed | None = None
    claimed_at: int = 0
    last_claim: int | None = None


@dataclass
class Worker:
    heartbeat_at: int
    order: str | None = None


@dataclass
class Model:
    now: int = 0
    step: int = 0
    jobs: dict[int, Job] = field(default_factory=dict)
    workers: dict[int, Worker] = field(default_factory=dict)
    paused: dict[str, int | None] = field(default_factory=dict)
    cancel_requests: set[int] = field(default_factory=set)

    def owner(self, key: str | None) -> Job | None:
        """Return the live job that owns the key."""
        for job in self.jobs.values():
            if key is not None and job.unique_key == key and job.state in (*WAITING, "running"):
                return job
        return None

    def _wait(self, job: Job) -> None:
        job.claim = None
        job.state = "ready" if job.run_at <= self.now else "scheduled"
        job.ready_step = self.step

    def _end(self, job: Job, state: str) -> None:
        if job.claim:
            job.attempt += 1
            job.last_claim = job.claim.claim_id
        job.claim = None
        job.state = state
        if state != "succeeded":
            self.cancel_requests.discard(job.id)

    # Produce

    def enqueue(self, job_id: int, options: Options) -> None:
        """Add a job under the id that the database chose."""
        run_at = self.now + options.delay
        self.jobs[job_id] = job = Job(
            job_id,
            "",
            options.queue,
            options.task,
            options.priority,
            run_at,
            None if options.expires_in is None else run_at + options.expires_in,
            options.max_attempts,
            options.unique_key,
            options.timeout,
        )
        self._wait(job)

    def enqueue_again(self, owner: Job, options: Options) -> None:
        """Do with the owner of a key what on_conflict says."""
        if owner.state not in WAITING or options.on_conflict not in ("replace", "bump"):
            return
        run_at = self.now + options.delay
        if options.on_conflict == "bump":
            owner.priority = min(owner.priority, options.priority)
            owner.run_at = min(owner.run_at, run_at)
        else:
            last_claim = owner.last_claim
            self.enqueue(owner.id, options)
            owner = self.jobs[owner.id]
            owner.last_claim = last_claim
        self._wait(owner)

    # Consume

    def _is_paused(self, queue: str) -> bool:
        if queue not in self.paused:
            return False
        until = self.paused[queue]
        return until is None or until > self.now

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
            open_to_all = job.state == "ready" and not self._is_paused(job.queue)
            if open_to_all and ranks and known and not expired:
                ranked.append((ranks[0], job.priority, job.ready_step, job.id))
        return [self.jobs[job_id] for *_, job_id in sorted(ranked)]

    def take(self, job: Job, claimed: Claimed) -> None:
        job.state = "running"
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
            self._end(job, "succeeded")
            return "ok"
        if job.id in self.cancel_requests:
            self._end(job, "cancelled")
            return "cancelled"
        if cancel:
            self._end(job, "cancelled")
        elif function == "fail":
            self._fail(job, delay, final)
        else:
            job.last_claim = claimed.claim_id
            job.run_at = self.now + (delay or 0)
            self._wait(job)
        return "ok"

    def _fail(self, job: Job, delay: int | None = None, final: bool = False) -> None:
        assert job.claim
        if job.id in self.cancel_requests:
            self._end(job, "cancelled")
        elif final or job.attempt + 1 >= job.max_attempts:
            self._end(job, "failed")
        else:
            job.last_claim = job.claim.claim_id
            job.attempt += 1
            job.expires_at = None
            backoff = min(BACKOFF_BASE * 2 ** (job.attempt - 1), BACKOFF_CAP)
            job.run_at = self.now + (backoff if delay is None else delay)
            self._wait(job)

    def orders(self, worker_id: int, held: Iterable[Claimed]) -> set[tuple[str, int | None]]:
        """Say that a worker lives; return what its heartbeat answers."""
        orders: set[tuple[str, int | None]] = set()
        worker = self.workers.get(worker_id)
        if not worker:
            orders.add(("lost", None))
        else:
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

    def deregister(self, worker_id: int) -> int:
        self.workers.pop(worker_id, None)
        return self._lose(
            job for job in self.jobs.values() if job.claim and job.claim.worker_id == worker_id
        )

    def rescue(self) -> int:
        """Give up the silent workers; return how many claims were lost."""
        silent = [
            worker_id
            for worker_id, worker in self.workers.items()
            if self.now - worker.heartbeat_at > LEASE
        ]
        lost = sum(self.deregister(worker_id) for worker_id in silent)
        return lost + self._lose(
            job
            for job in self.jobs.values()
            if job.claim
            and job.claim.worker_id is None
            and self.now - job.claimed_at > ORPHAN_AFTER
        )

    def _lose(self, jobs: Iterable[Job]) -> int:
        lost = list(jobs)
        for job in lost:
            self._fail(job)
        return len(lost)

    def end_overdue_runs(self) -> None:
        self._lose(
            job
            for job in self.jobs.values()
            if job.claim
            and job.timeout is not None
            and job.claimed_at + job.timeout + GRACE < self.now
        )

    # Time and operators

    def promote(self, batch_size: int) -> tuple[int, int | None]:
        scheduled = sorted(
            (job.run_at, job.priority, job.id)
            for job in self.jobs.values()
            if job.state == "scheduled"
        )
        due = [key for key in scheduled if key[0] <= self.now][:batch_size]
        for *_, job_id in due:
            self._wait(self.jobs[job_id])
        rest = scheduled[len(due) :]
        return len(due), rest[0][0] if rest else None

    def cancel(self, job_id: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state in WAITING:
            self._end(job, "cancelled")
            return "cancelled"
        if job.state == "running":
            self.cancel_requests.add(job_id)
            return "requested"
        return "finished"

    def retry(self, job_id: int, delay: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state in ("running", "succeeded"):
            return job.state
        if job.state not in WAITING:
            if self.owner(job.unique_key):
                return "duplicate"
            job.max_attempts = max(job.max_attempts, job.attempt + 1)
            job.expires_at = None
            job.last_claim = None
        job.run_at = self.now + delay
        self._wait(job)
        self.cancel_requests.discard(job_id)
        return "retried"

    def discard(self, job_id: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state == "running":
            return "running"
        del self.jobs[job_id]
        return "discarded"

    def clear(self, queue: str, include_scheduled: bool) -> int:
        gone = [
            job.id
            for job in self.jobs.values()
            if job.queue == queue
            and (job.state == "ready" or (include_scheduled and job.state == "scheduled"))
        ]
        for job_id in gone:
            del self.jobs[job_id]
        return len(gone)

    def maintain(self) -> None:
        """Do what maintain() does when every step is due."""
        self.rescue()
        self.end_overdue_runs()
        for job in list(self.jobs.values()):
            if job.state in WAITING and job.id in self.cancel_requests:
                self.cancel(job.id)
        for job in list(self.jobs.values()):
            expired = job.expires_at is not None and job.expires_at <= self.now
            if expired and job.state in WAITING:
                self._end(job, "expired")

    def rows(self) -> dict[int, tuple[object, ...]]:
        """Return what all_jobs should show, by job id."""
        return {
            job.id: (
                job.state,
                job.queue,
                job.task,
                job.priority,
                job.attempt + (job.state == "running"),
                job.max_attempts,
                job.run_at,
                job.unique_key,
                job.expires_at if job.state in (*WAITING, "running") else None,
            )
            for job in self.jobs.values()
        }
