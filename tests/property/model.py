"""What a queue should do, in plain Python: the model that the SQL functions are compared with.

Time is a number of seconds. A step is one call; jobs that the same step makes ready queue up by id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

LEASE = 1
ORPHAN_AFTER = 3600
GRACE = 30
BACKOFF_BASE, BACKOFF_CAP = 2, 60
WAITING = ("ready", "scheduled", "blocked")
LIVE = (*WAITING, "running")


@dataclass(frozen=True)
class Semaphore:
    """What a job asks of its semaphore."""

    key: str
    limit: int = 1
    weight: int = 1
    duration: int | None = None
    discard: bool = False


@dataclass(frozen=True)
class Slot:
    key: str
    weight: int
    expires_at: int | None


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
    semaphore: Semaphore | None = None
    parents: tuple[int, ...] = ()
    on_parent_failure: str | None = None
    partition_key: str | None = None


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
    semaphore: Semaphore | None
    parents: tuple[int, ...]
    on_parent_failure: str | None
    partition_key: str | None
    edges: dict[int, list[bool]] = field(default_factory=dict)
    """The parents that it waits for, with how each of them has ended since."""
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
    slots: dict[int, Slot] = field(default_factory=dict)
    configured: dict[str, int] = field(default_factory=dict)
    max_running: dict[str, int] = field(default_factory=dict)
    outcomes: dict[int, set[bool]] = field(default_factory=dict)
    """How a job has ended, each time that it did; True is a success."""

    def owner(self, key: str | None) -> Job | None:
        """Return the live job that owns the key."""
        for job in self.jobs.values():
            if key is not None and job.unique_key == key and job.state in LIVE:
                return job
        return None

    def put_waiting(self, job: Job) -> None:
        """Put a job into the lane that it calls for."""
        self.slots.pop(job.id, None)
        job.claim = None
        job.ready_step = self.step
        if job.edges:
            job.state = "blocked"
        elif job.run_at > self.now:
            job.state = "scheduled"
        else:
            job.state = "blocked" if job.semaphore else "ready"

    def make_ready(self, job: Job) -> None:
        """Let a waiter of a semaphore have its slots."""
        self.put_waiting(job)
        job.state = "ready"
        if asked := job.semaphore:
            expires_at = None if asked.duration is None else self.now + asked.duration
            self.slots[job.id] = Slot(asked.key, asked.weight, expires_at)

    def _end(self, job: Job, state: str) -> None:
        if job.claim:
            job.attempt += 1
            job.last_claim = job.claim.claim_id
        job.claim = None
        job.state = state
        if state != "succeeded":
            self.cancel_requests.discard(job.id)
        self._tell(job.id, state == "succeeded")

    def end_blocked(self, job: Job) -> None:
        """End a blocked job, as a parent that failed or a taken semaphore does."""
        self._end(job, "cancelled")

    def _tell(self, job_id: int, succeeded: bool) -> None:
        """Have a job end for those that depend on it, and for its semaphore."""
        self.slots.pop(job_id, None)
        self.outcomes.setdefault(job_id, set()).add(succeeded)
        if job := self.jobs.get(job_id):
            job.edges.clear()
        for child in self.jobs.values():
            if job_id in child.edges:
                child.edges[job_id].append(succeeded)

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
            options.semaphore,
            options.parents,
            options.on_parent_failure if options.parents else None,
            options.partition_key,
            {parent: [] for parent in options.parents},
        )
        self.put_waiting(job)

    def enqueue_again(self, owner: Job, options: Options) -> None:
        """Do with the owner of a key what on_conflict says."""
        if owner.state not in WAITING or options.on_conflict not in ("replace", "bump"):
            return
        run_at = self.now + options.delay
        if options.on_conflict == "bump":
            owner.priority = min(owner.priority, options.priority)
            owner.run_at = min(owner.run_at, run_at)
        else:
            replaced = owner
            self.enqueue(owner.id, options)
            owner = self.jobs[owner.id]
            owner.last_claim, owner.edges = replaced.last_claim, replaced.edges
            owner.parents = replaced.parents
            owner.on_parent_failure = replaced.on_parent_failure
        self.put_waiting(owner)

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

    def taken(self, selectors: Sequence[str], tasks: Sequence[str] | None, size: int) -> list[Job]:
        """Return what a claim of this size takes, with the limits of the queues."""
        running = Counter(job.queue for job in self.jobs.values() if job.state == "running")
        chosen: list[Job] = []
        for job in self.claimable(selectors, tasks):
            room = self.max_running.get(job.queue, size) - running[job.queue]
            if len(chosen) < size and (room > 0 or job.queue not in self.max_running):
                running[job.queue] += 1
                chosen.append(job)
        return chosen

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
            self.put_waiting(job)
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
            self.put_waiting(job)

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
            self.put_waiting(self.jobs[job_id])
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

    def blocked_by_parents(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.edges]

    def is_live(self, job_id: int) -> bool:
        return job_id in self.jobs and self.jobs[job_id].state in LIVE

    def retry(self, ids: Iterable[int], delay: int) -> dict[int, str]:
        """Retry jobs, in the order of their keys; a job waits for parents that come back too."""
        in_order = sorted(ids, key=lambda one: (self._key_of(one) or "\uffff", one))
        ended = [one for one in in_order if one in self.jobs and not self.is_live(one)]
        answers = {job_id: self._retry(job_id, delay) for job_id in in_order}
        for job_id in in_order:
            if answers[job_id] == "retried":
                job = self.jobs[job_id]
                if job_id in ended:
                    job.edges = {parent: [] for parent in job.parents if self.is_live(parent)}
                self.put_waiting(job)
        return answers

    def _key_of(self, job_id: int) -> str | None:
        job = self.jobs.get(job_id)
        return job.unique_key if job else None

    def _retry(self, job_id: int, delay: int) -> str:
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
            job.state = "ready"
        job.run_at = self.now + delay
        self.cancel_requests.discard(job_id)
        return "retried"

    def reprioritise(self, job_id: int, priority: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state not in WAITING:
            return "running" if job.state == "running" else "finished"
        if job.priority != priority:
            job.priority = priority
            self.put_waiting(job)
        return "reprioritised"

    def discard(self, job_id: int) -> str:
        job = self.jobs.get(job_id)
        if not job:
            return "not_found"
        if job.state == "running":
            return "running"
        self._forget(job)
        return "discarded"

    def _forget(self, job: Job) -> None:
        del self.jobs[job.id]
        if job.state != "succeeded":
            self._tell(job.id, False)

    def clear(self, queue: str, include_scheduled: bool) -> int:
        states = WAITING if include_scheduled else ("ready", "blocked")
        gone = [job for job in self.jobs.values() if job.queue == queue and job.state in states]
        for job in gone:
            self._forget(job)
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
        self._expire_slots()

    def _expire_slots(self) -> None:
        """Take slots from jobs that have run for longer than they may hold them."""
        for job_id, slot in list(self.slots.items()):
            if slot.expires_at is None or slot.expires_at > self.now:
                continue
            job = self.jobs[job_id]
            assert job.semaphore and job.semaphore.duration is not None
            started = job.claimed_at if job.state == "running" else self.now
            expires_at = started + job.semaphore.duration
            if expires_at > self.now:
                self.slots[job_id] = replace(slot, expires_at=expires_at)
            else:
                del self.slots[job_id]

    def release_semaphore(self, key: str) -> int:
        held = [job_id for job_id, slot in self.slots.items() if slot.key == key]
        for job_id in held:
            del self.slots[job_id]
        return len(held)

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
                job.expires_at if job.state in LIVE else None,
            )
            for job in self.jobs.values()
        }
