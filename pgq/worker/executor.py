"""Running the jobs that a worker holds: slots, timeouts, cancelling. No database here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pgq.context import JobHolder
from pgq.errors import JobTimeout
from pgq.lib.isolation import Surroundings
from pgq.lib.threads import Threads
from pgq.logs import job_log, log_job
from pgq.middleware import Chain
from pgq.rows import ClaimedJob
from pgq.tasks import AnyTask, Registry
from pgq.worker.budget import Budget
from pgq.worker.chunks import Chunk, Gathering, Member
from pgq.worker.handler import Held, run_async, run_blocking, start_task
from pgq.worker.outcome import Failed, Released, RunOutcome, of_unreadable
from pgq.worker.throughput import Throughput

if TYPE_CHECKING:
    from pgq.worker.children import Children

# A thread that goes on for so long (seconds) after its job's timeout hangs.
_HANGS_AFTER: Final = 5.0
# A claimed job that finds no slot for so long (seconds) is better run by another worker. If slots
# are free, the loop is busy starting jobs: the rest may take so long at its pace.
_PATIENCE: Final = 1.0
_MORE_PATIENCE: Final = 3.0
# For so long (seconds) jobs are started before the event loop has its turn again.
_TURN: Final = 0.002
# Prefetched jobs should find a slot within so many seconds, by the time that jobs take here.
_LOOKAHEAD: Final = 0.1
# By the rate at which jobs really end here: far below the patience, or they would be handed back.
_RATE_LOOKAHEAD: Final = 0.2


class Runner:
    """Runs held jobs in the slots of a budget; `settle` is told each outcome, `wake` each change.

    `active` are the claims not settled yet, by job; a claim leaves it exactly once, so that none
    is settled twice. All methods are for the event loop's thread.
    """

    def __init__(
        self,
        registry: Registry,
        holder: JobHolder,
        budget: Budget,
        prefetch: int,
        settle: Callable[[ClaimedJob, RunOutcome, float], None],
        wake: Callable[[], None],
        *,
        ended: Callable[[], None] | None = None,
        chain: Chain | None = None,
        worker: str = "",
        can_claim: Callable[[], bool] = lambda: True,
        children: Callable[[], Children] | None = None,
    ) -> None:
        """`settle` gets how many seconds the run took; `worker` is for the log.

        ended: called instead of `wake` when a run has ended and freed its slot.
        can_claim: whether it gets jobs at all right now; a database that is away gives none.
        children: makes what runs handlers in processes of their own, when the first one comes.
        """
        self.active: dict[int, Held] = {}
        self._registry = registry
        self._holder = holder
        self._budget = budget
        self._prefetch = prefetch
        self._settle = settle
        self._wake = wake
        self._tell_end = ended or wake
        self._chain = chain
        self._worker = worker
        self._threads = Threads(budget.concurrency)
        self._surroundings = Surroundings()
        self._busy: set[Held] = set()
        self._unstarted: deque[Held] = deque()
        self._gathering = Gathering(self._start_soon)
        self._only_gathers = False
        self._usual_seconds = 1.0
        self._throughput = Throughput()
        self._ahead = 0
        self._is_filling = False
        self._can_claim = can_claim
        self._make_children = children
        self._children: Children | None = None
        self._asked = 0
        self._came_full = False
        budget.join(self)

    @property
    def busy(self) -> int:
        """How many slots it uses."""
        return len(self._busy)

    @property
    def held(self) -> int:
        """How many jobs it has that have not ended."""
        return len(self._busy) + len(self._unstarted)

    @property
    def hung(self) -> int:
        """How many slots threads hang in."""
        return sum(map(_hangs, self._busy))

    @property
    def wants(self) -> bool:
        """Whether there seems to be work for more slots: the last claim found all it asked for."""
        return bool(self._unstarted) or (self._came_full and self._can_claim())

    def look(self) -> None:
        """Start what waits for a slot, and have the work loop look again."""
        self._fill_slots()
        self._wake()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held or still running, except threads that hang."""
        waits = self._unstarted or self._gathering
        return not waits and all(_hangs(held) for held in self._busy)

    @property
    def is_stuck(self) -> bool:
        """Whether every slot is taken by a thread that hangs."""
        return all(_hangs(held) for held in self._busy) and self._budget.is_stuck

    def room(self) -> int:
        """Return how many more jobs to claim: for free slots, and a few that start soon.

        How few depends on how long jobs take, so that none waits behind long ones. None while half
        of those are here: many small claims cost more than a few large ones.
        """
        now = time.monotonic()
        usual = self._usual_seconds
        if self._busy:
            usual = max(usual, sum(now - held.began for held in self._busy) / len(self._busy))
        slots = self._budget.most_held(self)
        by_rate = _RATE_LOOKAHEAD / max(self._throughput.seconds_per_job, 1e-6)
        ahead = min(slots * _LOOKAHEAD / max(usual, 1e-4), by_rate)
        self._ahead = min(self._prefetch, int(ahead))
        return slots + self._ahead - self.held if self.is_short else 0

    @property
    def is_short(self) -> bool:
        """Whether a slot is free, or will soon be for want of jobs, by the last look at `room`."""
        return self.held < self._budget.most_held(self) + (self._ahead + 1) // 2

    def room_to_claim(self, most: int) -> int:
        """Return the room, up to `most`, to a caller that would claim now; `add` then follows."""
        self._asked = max(0, min(self.room(), most))
        if not self._asked:
            self._came_full = True
        return self._asked

    def add(self, jobs: Sequence[ClaimedJob], *, later: bool = False) -> None:
        """Take claimed jobs over and start as many as there are slots.

        later: when the event loop has its turn.
        """
        if jobs:
            self._throughput.took_over()
        was_full, self._came_full = self._came_full, len(jobs) >= self._asked
        if was_full and not self._came_full:
            self._budget.freed(self)
        gathered = self._gathering.taken
        self._take_over(jobs)
        gathered = self._gathering.taken - gathered
        self._only_gathers = self._came_full and 0 < gathered == len(jobs)
        if later:
            asyncio.get_running_loop().call_soon(self._fill_slots)
        else:
            self._fill_slots()

    def wanted(self, size: int) -> list[tuple[str, int]]:
        """Return of which tasks to claim more than `size` jobs, and how many, to fill chunks.

        None, unless the last claim could have brought more and brought nothing else: jobs of other
        tasks would wait behind these.
        """
        return self._gathering.wanted(size) if self._only_gathers else []

    def add_wanted(self, jobs: Sequence[ClaimedJob]) -> None:
        """Take over what was claimed to fill a chunk."""
        self._take_over(jobs)
        self._fill_slots()

    def release_unstarted(self, *, gathered: bool = True) -> None:
        """Hand back what has not been started; `gathered`: what waits for others, too."""
        while self._unstarted:
            held = self._unstarted.popleft()
            self._finish(held, Released())
        if gathered and self._gathering:
            for member in self._gathering.take_all():
                self._finish(member, Released())

    def release_at(self) -> float | None:
        """Return when (monotonic) the oldest job without a slot has waited for too long."""
        if not self._unstarted:
            return None
        at = self._unstarted[0].began + _PATIENCE
        if self.busy < self._budget.most_busy(self):
            rest = len(self._unstarted) * self._throughput.seconds_per_job
            at += rest if rest <= _MORE_PATIENCE else 0.0
        return at

    def cancel(self, job_id: int) -> None:
        """Tell a job to stop, because somebody asked for it; without a start it is handed back."""
        held = self.active.get(job_id)
        if held is None:
            return
        if not held.has_begun:
            self._withdraw(held)
            self._finish(held, Released())
        else:
            self._stop(held, "cancel")

    def lose(self, job_id: int) -> None:
        """Stop a job that is not ours any more; nothing of it is settled."""
        held = self.active.get(job_id)
        if held is None or held.is_completed or held.context.completing:
            return
        del self.active[job_id]
        self._log(logging.WARNING, "job.lost", held)
        if not held.has_begun:
            self._withdraw(held)
        else:
            self._stop(held, "lost")

    def interrupt(self) -> None:
        """Note that it is nobody's wish when a handler is cancelled from now on."""
        for held in self._busy:
            held.reason = held.reason or "interrupt"

    async def abandon(self, patience: float, *, settles: bool) -> None:
        """Stop all handlers and give them `patience` seconds to end, threads only if it settles.

        settles: settle what ends meanwhile, and hand back what was interrupted; else nothing.
        """
        if not settles:
            self.active.clear()
        for held in list(self._busy):
            self._stop(held, "interrupt" if settles else "stop")
        runs = [held.run for held in self._busy if held.run and (settles or not held.in_thread)]
        if runs:
            await asyncio.wait(runs, timeout=patience)
        self.active.clear()

    def hangs_at(self) -> float | None:
        """Return when (monotonic) the next late thread will count as one that hangs."""
        now = time.monotonic()
        times = (_hangs_at(held) for held in self._busy)
        return min((at for at in times if at is not None and at > now), default=None)

    def hanging(self) -> str:
        """Return the tasks whose threads hang, and how many of each, for people."""
        counts = Counter(held.job.task for held in self._busy if _hangs(held))
        return ", ".join(f"{task} ({count})" for task, count in sorted(counts.items()))

    def close(self) -> None:
        """Let the threads and processes end, and others have the slots."""
        self._threads.close()
        if self._children is not None:
            self._children.close()
        self._budget.leave(self)

    def _take_over(self, jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            task = self._registry.get(job.task)
            if task is not None and task.chunking is not None:
                self._gather(job, task)
                continue
            held = Held(job, task, self._holder)
            self.active[job.job_id] = held
            if (unreadable := of_unreadable(job)) is not None:
                self._finish(held, unreadable)
                continue
            self._unstarted.append(held)

    def _gather(self, job: ClaimedJob, task: AnyTask) -> None:
        member = Member(job, task, self._holder)
        self.active[job.job_id] = member
        if (unreadable := member.read()) is not None:
            self._finish(member, unreadable)
        elif (chunk := self._gathering.add(member, task, self._holder)) is not None:
            self._unstarted.append(chunk)

    def _start_soon(self, chunk: Chunk) -> None:
        self._unstarted.append(chunk)
        self.look()

    def _withdraw(self, held: Held) -> None:
        """Take a job that has not begun from those that wait."""
        if not isinstance(held, Member):
            self._unstarted.remove(held)
            return
        chunk = held.chunk
        chunk.remove(held)
        if not chunk.members and not self._gathering.drop(chunk):
            self._unstarted.remove(chunk)

    def _fill_slots(self) -> None:
        """Start jobs while there are slots, but let others have the event loop soon."""
        if self._is_filling:
            return
        self._is_filling = True
        until = time.monotonic() + _TURN
        try:
            while self._unstarted and len(self._busy) < self._budget.most_busy(self):
                if time.monotonic() > until:
                    asyncio.get_running_loop().call_soon(self._fill_slots)
                    break
                self._start(self._unstarted.popleft())
        finally:
            self._is_filling = False

    def _start(self, held: Held) -> None:
        """Start a job; a handler that waits for nothing has ended when this returns."""
        held.began = time.monotonic()
        if job_log.isEnabledFor(logging.DEBUG):
            self._log(logging.DEBUG, "job.started", held)
        held.run = run = start_task(self._run(held), self._surroundings.copy(held))
        if run.done():
            self._ended(held, run)
            return
        self._busy.add(held)
        run.add_done_callback(partial(self._ended, held))
        if held.job.timeout is not None:
            loop = asyncio.get_running_loop()
            seconds = held.job.timeout.total_seconds()
            held.timer = loop.call_later(seconds, self._time_out, held)

    def _run(self, held: Held) -> Coroutine[Any, Any, RunOutcome | None]:
        """Return what runs the handler; None of it: there is nothing to settle."""
        task = held.task
        if task is not None and not task.is_plain:
            if isinstance(held, Chunk):
                self._begin(held)
            elif self._make_children is not None:
                self._children = self._children or self._make_children()
                return run_async(held, task, self._chain, elsewhere=self._children.run)
        if task is not None and task.is_async:
            return run_async(held, task, self._chain)
        return self._run_in_thread(held)

    def _begin(self, chunk: Chunk) -> None:
        """Start the time of each job of a call."""
        chunk.begin()
        loop = asyncio.get_running_loop()
        for member in chunk.members:
            if member is not chunk.members[0] and job_log.isEnabledFor(logging.DEBUG):
                self._log(logging.DEBUG, "job.started", member)
            timeout = member.job.timeout
            if timeout is not None:
                seconds = timeout.total_seconds()
                member.timer = loop.call_later(seconds, self._time_out, member)

    async def _run_in_thread(self, held: Held) -> RunOutcome | None:
        if held.task is None:
            return Failed(f"no handler for the task {held.job.task!r} here", "UnknownTask")
        chain = self._chain
        if chain is not None and chain.surrounds_threads:
            return await run_async(held, held.task, chain, self._threads)
        held.in_thread = True
        loop = asyncio.get_running_loop()
        return await self._threads.run(partial(run_blocking, held, held.task, chain, loop))

    def _ended(self, held: Held, run: asyncio.Task[RunOutcome | None]) -> None:
        self._busy.discard(held)
        held.run = None  # whose context leads back to it: else both would wait for the collector
        if held.timer is not None:
            held.timer.cancel()
        took = time.monotonic() - held.began
        self._usual_seconds += 0.05 * (took - self._usual_seconds)
        self._throughput.ended(was_last=not self.held)
        if run.cancelled():
            never_began = Failed("cancelled before it began", "JobCancelled")
            outcome: RunOutcome | None = Released() if held.reason == "interrupt" else never_began
        else:
            outcome = run.result()
        self._settle_once(held, outcome)
        self._fill_slots()
        self._tell_end()
        self._budget.freed(self)

    def _finish(self, held: Held, outcome: RunOutcome | None) -> None:
        self._settle_once(held, outcome)
        self._wake()

    def _settle_once(self, held: Held, outcome: RunOutcome | None) -> None:
        if self.active.get(held.job.job_id) is held:
            del self.active[held.job.job_id]
            if outcome is not None and not held.is_completed:
                self._settle(held.job, outcome, time.monotonic() - held.began)
        elif isinstance(held, Chunk):
            for member, ended in held.end(outcome):
                self._settle_once(member, ended)

    def _time_out(self, held: Held) -> None:
        message = f"the job ran longer than {held.job.timeout}"
        final = held.task is not None and held.task.retry_rule.gives_up_on(JobTimeout)
        held.late_since = time.monotonic()
        self._finish(held, Failed(message, "JobTimeout", final=final))
        self._stop(held, "timeout")

    def _stop(self, held: Held, reason: str) -> None:
        held.tell_to_stop(reason)
        if held.awaiting is not None:
            held.awaiting.cancel()
        if held.run is not None and not held.in_thread:
            held.run.cancel()
        if isinstance(held, Member):
            self._stop_together(held.chunk, reason)

    def _stop_together(self, chunk: Chunk, reason: str) -> None:
        """Stop a call if none of its jobs is left."""
        if all(member.reason for member in chunk.members):
            if all(member.late_since for member in chunk.members):
                chunk.late_since = chunk.late_since or time.monotonic()
            self._stop(chunk, reason)

    def _log(self, level: int, event: str, held: Held) -> None:
        job = held.job
        log_job(level, event, job, max_attempts=job.max_attempts, worker=self._worker)


def _hangs(held: Held) -> bool:
    at = _hangs_at(held)
    return at is not None and at <= time.monotonic()


def _hangs_at(held: Held) -> float | None:
    """Return when (monotonic) a late thread hangs; None: it is none, or not late."""
    if held.late_since is None or not held.in_thread:
        return None
    return held.late_since + _HANGS_AFTER
