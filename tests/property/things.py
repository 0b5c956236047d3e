"""What the model of a queue is made of. Times are seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

WAITING = ("ready", "scheduled", "blocked")
LIVE = (*WAITING, "running")
WORSE = ("failed", "cancelled", "expired")
ENDED = ("succeeded", "failed", "cancelled", "expired")


@dataclass(frozen=True)
class Semaphore:
    """What a job asks of its semaphore."""

    key: str
    limit: int = 1
    weight: int = 1
    duration: int | None = None
    discard: bool = False
    order: str | None = None
    """What its failure does to those after it, in strict order."""


@dataclass(frozen=True)
class Slot:
    key: str
    weight: int
    expires_at: int | None
    order: str | None = None


PUTTING_OFF = ("replace", "merge")


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
    unique_while: str | None = None
    unique_for: int | None = None
    timeout: int | None = None
    semaphore: Semaphore | None = None
    parents: tuple[int, ...] = ()
    on_parent_failure: str | None = None
    partition_key: str | None = None
    batch: int | None = None
    """First the place of one, then its id."""
    tag: str | None = None
    """Goes into the headers."""
    max_wait: int | None = None
    items: tuple[int, ...] = ()
    """A list among the args, which on_conflict "merge" makes longer."""
    is_letter: bool = False
    """Whether it is, or copies, what was enqueued for a failed job."""


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
    batch: int | None
    tag: str | None
    is_letter: bool
    created_at: int
    edges: dict[int, list[bool]] = field(default_factory=dict)
    """The parents that it waits for, with how each of them has ended since."""
    is_unique_queued: bool = False
    """Whether a claim takes its key."""
    attempt: int = 0
    ready_step: int = 0
    claim: Claimed | None = None
    claimed_at: int = 0
    finished_at: int = 0
    last_claim: int | None = None
    items: tuple[int, ...] = ()


@dataclass
class Worker:
    heartbeat_at: int
    order: str | None = None


@dataclass(frozen=True)
class Rate:
    """A queue's rate limit."""

    limit: int
    interval: int = 1
    burst: int | None = None
    per_key: bool = False

    @property
    def full(self) -> int:
        """How much a bucket holds."""
        return self.limit if self.burst is None else self.burst


@dataclass
class Batch:
    id: int
    followers: dict[str, Options]
    """What on_success, on_failure and on_finish must enqueue."""
    is_closed: bool = False
    succeeded: bool | None = None
    """How it finished; None: it has not."""
    forgotten: Counter[str] = field(default_factory=Counter)
    """How those ended that were discarded or pruned since."""
