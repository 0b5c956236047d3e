"""Where the model keeps jobs, and how one gets from lane to lane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from tests.property.strategies import FAIR
from tests.property.things import LIVE, PUTTING_OFF, Batch, Job, Options, Rate, Slot, Worker

ANOTHER_SERVER = 1_000_000

# When a job of the task fails, another one of the same task follows it, but none follows that one.
LETTERS = Options(queue="a", task="y", priority=1, max_attempts=2, is_letter=True)


@dataclass
class State:
    """What there is. Time is a number of seconds.

    A step is one call; jobs that the same step makes ready queue up by id.
    """

    now: int = 0
    step: int = 0
    jobs: dict[int, Job] = field(default_factory=dict)
    workers: dict[int, Worker] = field(default_factory=dict)
    silences: list[tuple[int, int]] = field(default_factory=list)
    paused: dict[str, int | None] = field(default_factory=dict)
    paused_tasks: dict[str, int | None] = field(default_factory=dict)
    paused_keys: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """By queue and partition_key; it counts while the queue serves its keys in turn."""
    stopped: set[str] = field(default_factory=set)
    """Paused semaphores."""
    cancel_requests: set[int] = field(default_factory=set)
    slots: dict[int, Slot] = field(default_factory=dict)
    configured: dict[str, int] = field(default_factory=dict)
    max_running: dict[str, int] = field(default_factory=dict)
    fair: set[str] = field(default_factory=lambda: {FAIR})
    rates: dict[str, Rate] = field(default_factory=dict)
    buckets: dict[tuple[str, str], tuple[Fraction, int]] = field(default_factory=dict)
    """The tokens of a queue and key, and when they were counted; none: it is full."""
    windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The job that a unique_key was given to for a time, and until when."""
    keeps_none: set[str] = field(default_factory=set)
    """Queues whose jobs leave no row when they succeed."""
    batches: dict[int, Batch] = field(default_factory=dict)
    outcomes: dict[int, set[bool]] = field(default_factory=dict)
    """How a job has ended, each time that it did; True is a success."""
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many jobs of a queue and task had which outcome."""
    letters_due: Counter[int] = field(default_factory=Counter)
    """For which failed jobs another one must have been enqueued."""
    run_seconds: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def owner(self, key: str | None) -> Job | None:
        """Return the live job that owns the key."""
        for job in self.jobs.values():
            if key is not None and job.unique_key == key and job.state in LIVE:
                return job
        return None

    def owner_id(self, key: str | None) -> int | None:
        """Return the job that an enqueue of the key finds: a window's, or else the live one."""
        if key is not None and key in self.windows:
            job_id, until = self.windows[key]
            if until > self.now:
                return job_id
        job = self.owner(key)
        return job.id if job else None

    def restore(self) -> None:
        """Let what is ready or blocked come from another server: what comes here goes first."""
        for job in self.jobs.values():
            if job.state in ("ready", "blocked"):
                job.ready_step += ANOTHER_SERVER

    def stamp(self) -> None:
        """Give what came from another server a place among the others."""
        for job in self.jobs.values():
            if job.ready_step >= ANOTHER_SERVER:
                job.ready_step = self.step

    def is_live(self, job_id: int) -> bool:
        return job_id in self.jobs and self.jobs[job_id].state in LIVE

    def put_waiting(self, job: Job) -> None:
        """Put a job into the lane that it calls for."""
        is_ordered = job.semaphore is not None and job.semaphore.order is not None
        has_turn = is_ordered and job.id in self.slots and job.state != "ready"
        if not has_turn:
            self.slots.pop(job.id, None)
        job.claim = None
        job.ready_step = self.step
        if job.edges or (is_ordered and not has_turn):
            job.state = "blocked"
        elif job.run_at > self.now:
            job.state = "scheduled"
        else:
            job.state = "blocked" if job.semaphore and not has_turn else "ready"

    def make_ready(self, job: Job) -> None:
        """Let a waiter of a semaphore have its slots; in strict order, it waits for its time."""
        self.put_waiting(job)
        asked = job.semaphore
        waits = asked is not None and asked.order is not None and job.run_at > self.now
        job.state = "scheduled" if waits else "ready"
        if asked:
            expires_at = None if asked.duration is None else self.now + asked.duration
            self.slots[job.id] = Slot(asked.key, asked.weight, expires_at, asked.order)
            self.check_order(job)

    def check_order(self, job: Job) -> None:
        """Check that no earlier job of a key in strict order is left when the turn comes to one."""
        if job.semaphore is None or job.semaphore.order is None:
            return
        for other in self.jobs.values():
            same = other.semaphore is not None and other.semaphore.key == job.semaphore.key
            if same and other.semaphore and other.semaphore.order and other.state in LIVE:
                assert other.id >= job.id, f"job {other.id} comes before job {job.id}"
                assert other is job or other.id not in self.slots, "two have their turn"

    def enqueue(self, job_id: int, options: Options) -> None:
        """Add a job under the id that the database chose."""
        run_at = self.now + options.delay
        if options.unique_key and options.max_wait and options.on_conflict in PUTTING_OFF:
            run_at = min(run_at, self.now + options.max_wait)
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
            options.batch,
            options.tag,
            options.is_letter,
            self.now,
            {parent: [] for parent in options.parents},
            options.unique_while == "queued" and options.unique_key is not None,
        )
        job.items = options.items
        if options.unique_key is not None and options.unique_for is not None:
            self.windows[options.unique_key] = job_id, self.now + options.unique_for
        self.put_waiting(job)

    def count(self, job: Job, outcome: str) -> None:
        """Count an outcome of a job for the statistics."""
        self.counted[job.queue, job.task, outcome] += 1
        if job.claim and outcome not in ("released", "lost"):
            self.run_seconds[job.queue, job.task, outcome] += self.now - job.claimed_at

    def end(self, job: Job, state: str) -> None:
        self.count(job, state)
        if job.claim:
            job.attempt += 1
            job.last_claim = job.claim.claim_id
        job.claim = None
        job.finished_at = self.now
        job.state = state
        if state == "failed" and job.task == LETTERS.task and not job.is_letter:
            self.letters_due[job.id] += 1
        if state != "succeeded":
            self.cancel_requests.discard(job.id)
        slot = self.slots.get(job.id)
        self.tell(job.id, state == "succeeded")
        if slot and slot.order == "block" and state == "failed":
            self.slots[job.id] = slot

    def end_blocked(self, job: Job) -> None:
        """End a blocked job, as a parent that failed or a taken semaphore does."""
        self.end(job, "cancelled")

    def tell(self, job_id: int, succeeded: bool) -> None:
        """Have a job end for those that depend on it, and for its semaphore."""
        self.slots.pop(job_id, None)
        self.outcomes.setdefault(job_id, set()).add(succeeded)
        if job := self.jobs.get(job_id):
            job.edges.clear()
        for child in self.jobs.values():
            if job_id in child.edges:
                child.edges[job_id].append(succeeded)
