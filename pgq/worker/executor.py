"""Running the jobs that a worker holds: slots, timeouts, cancelling. No database here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

from pgq.context import JobHolder
from pgq.errors import JobTimeout
from pgq.lib.isolation import Surroundings
from pgq.lib.threads import Threads
from pgq.logs import job_log, log_job
from pgq.middleware import Chain
from pgq.rows import ClaimedJob
from pgq.tasks import Registry
from pgq.worker.handler import Held, run_async, run_blocking, start_task
from pgq.worker.outcome import Failed, Released, RunOutcome, of_unreadable

# A thread that goes on for so long (seconds) after its job's timeout hangs.
_HANGS_AFTER: Final = 5.0
# A claimed job that finds no slot for so long (seconds) is better run by another worker.
_PATIENCE: Final = 1.0
# For so long (seconds) jobs are started before the event loop has its turn again.
_TURN: Final = 0.002
# Prefetched jobs should find a slot within so many seconds, by the time that jobs take here.
_LOOKAHEAD: Final = 0.1


class Runner:
    """Runs held jobs in `concurrency` slots; `settle` is told each outcome, `wake` each change.

    `active` are the claims not settled yet, by job; a claim leaves it exactly once, so that none
    is settled twice. All methods are for the event loop's thread.
    """

    def __init__(
        self,
        registry: Registry,
        holder: JobHolder,
        concurrency: int,
        prefetch: int,
        settle: Callable[[ClaimedJob, RunOutcome, float], None],
        wake: Callable[[], None],
        *,
        chain: Chain | None = None,
        worker: str = "",
    ) -> None:
        """`settle` gets how many seconds the run took; `worker` is for the log."""
        self.active: dict[int, Held] = {}
        self._registry = registry
        self._holder = holder
        self._concurrency = concurrency
        self._prefetch = prefetch
        self._settle = settle
        self._wake = wake
        self._chain = chain
        self._worker = worker
        self._threads = Threads(concurrency)
        self._surroundings = Surroundings()
        self._busy: set[Held] = set()
        self._unstarted: deque[Held] = deque()
        self._usual_seconds = 1.0
        self._is_filling = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held or still running, except threads that hang."""
        return not self._unstarted and all(_hangs(held) for held in self._busy)

    @property
    def is_stuck(self) -> bool:
        """Whether every slot is taken by a thread that hangs."""
        return len(self._busy) >= self._concurrency and all(_hangs(held) for held in self._busy)

    def room(self) -> int:
        """Return how many more jobs to claim: for free slots, and a few that start soon.

        How few depends on how long jobs take, so that none waits behind long ones.
        """
        now = time.monotonic()
        usual = self._usual_seconds
        if self._busy:
            usual = max(usual, sum(now - held.began for held in self._busy) / len(self._busy))
        ahead = min(self._prefetch, int(self._concurrency * _LOOKAHEAD / max(usual, 1e-4)))
        return self._concurrency + ahead - len(self._busy) - len(self._unstarted)

    def add(self, jobs: Iterable[ClaimedJob], *, later: bool = False) -> None:
        """Take claimed jobs over and start as many as there are slots.

        later: when the event loop has its turn.
        """
        for job in jobs:
            held = Held(job, self._registry.get(job.task), self._holder)
            self.active[job.job_id] = held
            if (unreadable := of_unreadable(job)) is not None:
                self._finish(held, unreadable)
                continue
            self._unstarted.append(held)
        if later:
            asyncio.get_running_loop().call_soon(self._fill_slots)
        else:
            self._fill_slots()

    def release_unstarted(self) -> None:
        """Hand back what has not been started."""
        while self._unstarted:
            held = self._unstarted.popleft()
            self._finish(held, Released())

    def release_at(self) -> float | None:
        """Return when (monotonic) the oldest job without a slot has waited for too long."""
        return self._unstarted[0].began + _PATIENCE if self._unstarted else None

    def cancel(self, job_id: int) -> None:
        """Tell a job to stop, because somebody asked for it; without a start it is handed back."""
        held = self.active.get(job_id)
        if held is None:
            return
        if held.run is None:
            self._unstarted.remove(held)
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
        if held.run is None:
            self._unstarted.remove(held)
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
        """Let the threads end."""
        self._threads.close()

    def _fill_slots(self) -> None:
        """Start jobs while there are slots, but let others have the event loop soon."""
        if self._is_filling:
            return
        self._is_filling = True
        until = time.monotonic() + _TURN
        try:
            while self._unstarted and len(self._busy) < self._concurrency:
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
        if held.task is not None and held.task.is_async:
            return run_async(held, held.task, self._chain)
        return self._run_in_thread(held)

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
        if run.cancelled():
            never_began = Failed("cancelled before it began", "JobCancelled")
            outcome: RunOutcome | None = Released() if held.reason == "interrupt" else never_began
        else:
            outcome = run.result()
        self._finish(held, outcome)
        self._fill_slots()

    def _finish(self, held: Held, outcome: RunOutcome | None) -> None:
        if self.active.get(held.job.job_id) is held:
            del self.active[held.job.job_id]
            if outcome is not None and not held.is_completed:
                self._settle(held.job, outcome, time.monotonic() - held.began)
        self._wake()

    def _time_out(self, held: Held) -> None:
        message = f"the job ran longer than {held.job.timeout}"
        final = held.task is not None and held.task.retry_rule.gives_up_on(JobTimeout)
        held.late_since = time.monotonic()
        self._finish(held, Failed(message, "JobTimeout", final=final))
        self._stop(held, "timeout")

    def _stop(self, held: Held, reason: str) -> None:
        held.reason = held.reason or reason
        held.context.cancel()
        if held.awaiting is not None:
            held.awaiting.cancel()
        if held.run is not None and not held.in_thread:
            held.run.cancel()

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
