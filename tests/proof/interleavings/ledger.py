"""What was asked for and answered, compared after each commit with what is in the tables.

The ledger knows only committed transactions, in the order of their commits. It reads the tables of
jobs, lanes and the history as they are, and calls no function of pgq.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.proof.interleavings.calls import Call

# The limits of the keys as their jobs give them.
KEYS: Final = {"one": 1, "two": 2, "line": 1}
# The queues that get limits.
LIMITED: Final = ("b",)
# One snapshot: what is live, what has ended, what runs, and what counts against a limit.
LOOK: Final = """
    with held as (
      select job.concurrency ->> 'key' as key, count(*) as holders,
        sum(coalesce((job.concurrency ->> 'weight')::int, 1)) as used
      from pgq.jobs as job
      where job.concurrency is not null
        and job.id in (select job_id from pgq.ready union all select job_id from pgq.running)
      group by 1
    ),
    lanes as (
      select job_id from pgq.scheduled union all select job_id from pgq.blocked
      union all select job_id from pgq.ready union all select job_id from pgq.running
    ),
    made as (
      select id, task, args, headers from pgq.jobs
      union all select id, task, args, headers from pgq.job_history
    )
    select
      array(select id from pgq.jobs),
      array(select id from pgq.job_history),
      (select jsonb_object_agg(job_id, claim_id) from pgq.running),
      array(
        select coalesce(job.id, lane.job_id)
        from pgq.jobs as job full join lanes as lane on lane.job_id = job.id
        group by 1 having count(job.id) <> 1 or count(lane.job_id) <> 1),
      (select jsonb_object_agg(key, used) from held where holders > 1),
      (select jsonb_object_agg(concurrency_key, max_slots) from pgq.semaphores
        where paused_at is null),
      (select jsonb_object_agg(queue, running) from (
        select queue, count(*) as running from pgq.running group by queue) as busy),
      (select jsonb_object_agg(name, max_running) from pgq.queues where max_running is not null),
      (select jsonb_object_agg(id,
          case task when 'callback' then args ->> 'batch' else headers ->> 'schedule' end)
        from made where task = 'callback' or headers ? 'schedule'),
      (select array_agg(array[child_id, parent_id]) from pgq.dependencies)
"""
# Calls that may leave nothing of a job; all others leave it live or in the history.
FORGETTING: Final = frozenset(("discard", "clear_queue", "prune", "maintain"))
UNLIMITED: Final = 1_000_000


@dataclass
class Seen:
    """What one look found."""

    live: frozenset[int] = frozenset()
    past: frozenset[int] = frozenset()
    running: dict[int, int] = field(default_factory=dict)
    misplaced: list[int] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)  # of keys with several holders
    slots: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    room: dict[str, int] = field(default_factory=dict)
    once: dict[int, str] = field(default_factory=dict)  # callbacks and ticks: what each is for
    edges: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, row: Sequence[Any]) -> Seen:
        """Read the row of a look."""
        live, past, running, misplaced, used, slots, busy, room, once, edges = row
        return cls(
            frozenset(live),
            frozenset(past),
            {int(job): claim for job, claim in (running or {}).items()},
            misplaced,
            used or {},
            slots or {},
            busy or {},
            room or {},
            {int(job): what for job, what in (once or {}).items()},
            edges or [],
        )

    @property
    def known(self) -> frozenset[int]:
        """All jobs, live or in the history."""
        return self.live | self.past


@dataclass
class Answered:
    """A call of a transaction, its rows, and the queues that were paused when it was sent."""

    call: Call
    rows: list[Any]
    paused: frozenset[str]


@dataclass
class Ledger:
    """Everything that is committed, and `bad`: what must not be."""

    bad: list[str] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    batches: list[int] = field(default_factory=list)
    over: list[tuple[int, int]] = field(default_factory=list)  # claims that were settled
    paused: set[str] = field(default_factory=set)
    _parents: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _claims: set[tuple[int, int]] = field(default_factory=set)
    _ended: set[int] = field(default_factory=set)
    _gone: set[int] = field(default_factory=set)
    _once: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _most: dict[str, int] = field(default_factory=dict)

    def begin_round(self) -> None:
        """Forget how high limits were: what holds now may go on holding."""
        self._most = {
            **{f"key {key}": used for key, used in self.seen.used.items()},
            **{f"queue {queue}": self.seen.busy.get(queue, 0) for queue in LIMITED},
        }
        self._raise_limits(self.seen)

    def rolled_back(self, transaction: list[Answered]) -> None:
        """Note jobs that must never be seen."""
        for done in transaction:
            if done.call.name == "enqueue_many":
                self._gone.update(job for job, created in done.rows if created)

    def committed(self, transaction: list[Answered], seen: Seen) -> None:
        """Compare what was answered with what was before and what is now."""
        running = dict(self.seen.running)
        new = set[int]()
        for done in transaction:
            name, rows = done.call.name, done.rows
            if name == "enqueue_many":
                self._note_jobs(done, new)
            elif name == "claim_batch":
                self._check_claims(done, running, seen)
            elif name.endswith("_batch") and name not in ("close_batch", "create_batch"):
                for job, claim, row in zip(*done.call.values[:2], rows, strict=True):
                    if row[1] == "ok":
                        self._check_settled(job, claim, running)
            elif name == "continue_after" and rows[0][0] == "ok":
                job, claim = done.call.values[:2]
                self._check_settled(job, claim, running)
            elif name in ("pause_queue", "resume_queue"):
                change = self.paused.add if name == "pause_queue" else self.paused.discard
                change(done.call.values[0])
        if not FORGETTING & {done.call.name for done in transaction}:
            self._none((self.seen.known | new) - seen.known, "jobs lost")
        self.look(seen)

    def look(self, seen: Seen) -> None:
        """Check what holds after each commit, and remember this look."""
        self._none(seen.misplaced, "jobs that are not in one lane")
        self._none(seen.live & seen.past, "jobs that are live and have ended")
        self._none(seen.known & self._gone, "jobs that were rolled back or deleted, and are there")
        self._raise_limits(seen)
        for kind, held in (("key", seen.used), ("queue", seen.busy)):
            for name, number in held.items():
                if number > self._most.get(f"{kind} {name}", UNLIMITED):
                    self.bad.append(f"{kind} {name}: {number} above its limit")
        for job, what in seen.once.items():
            self._once[what].add(job)
        twice = [what for what, jobs in self._once.items() if len(jobs) > 1]
        self._none(twice, "batches with two callbacks, or ticks with two jobs")
        self._gone |= self.seen.known - seen.known
        self._ended |= self.seen.live - seen.live
        for child, parent in seen.edges:
            self._parents[child].add(parent)
        for child in self._ended & self._parents.keys():
            del self._parents[child]
        self.seen = seen

    def _note_jobs(self, done: Answered, new: set[int]) -> None:
        ids = [job for job, _ in done.rows]
        refs = {job.get("ref"): number for number, job in zip(ids, done.call.jobs, strict=True)}
        for (number, created), job in zip(done.rows, done.call.jobs, strict=True):
            if created:
                new.add(number)
                parents = [refs.get(parent, parent) for parent in job.get("depends_on", ())]
                self._parents[number].update(parents)

    def _check_claims(self, done: Answered, running: dict[int, int], seen: Seen) -> None:
        for job, claim, queue, *_ in done.rows:
            if job in running or (job, claim) in self._claims:
                self.bad.append(f"job {job} was claimed by two")
            running[job] = claim
            self._claims.add((job, claim))
            early = self._parents[job] & (seen.live - self._ended)
            self._none(early, f"job {job} runs before its parents")
            if queue in done.paused:
                self.bad.append(f"job {job} was claimed from a paused queue")

    def _check_settled(self, job: int, claim: int, running: dict[int, int]) -> None:
        if running.pop(job, None) != claim:
            self.bad.append(f"job {job} was settled by claim {claim}, which was over")
        self.over.append((job, claim))

    def _raise_limits(self, seen: Seen) -> None:
        for key, limit in {**KEYS, **seen.slots}.items():
            self._most[f"key {key}"] = max(limit, self._most.get(f"key {key}", 0))
        for queue in LIMITED:
            limit = seen.room.get(queue, UNLIMITED)
            self._most[f"queue {queue}"] = max(limit, self._most.get(f"queue {queue}", 0))

    def _none(self, found: Any, what: str) -> None:
        if found:
            self.bad.append(f"{what}: {sorted(found)[:5]}")
