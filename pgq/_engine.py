"""The worker at work: claims, settles and promotes on one session, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
import time
from collections import deque
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Final

import psycopg

from pgq import calls
from pgq._budget import warn_of_connections
from pgq._call import Call
from pgq._heart import Heart
from pgq._lifecycle import Lifecycle
from pgq._options import Options
from pgq._outcome import type_of
from pgq._pace import SOON, Pace
from pgq._pools import Pools
from pgq._resources import Names
from pgq._runner import Runner
from pgq._schema_wait import wait_for_schema
from pgq._session import TRANSIENT, Session, first_line
from pgq._settler import REFUSED, Ended, Settler, settle_call
from pgq._timekeeper import Timekeeper
from pgq._unanswered import Unanswered
from pgq._values import JsonText
from pgq.errors import PgqError, WorkerNotRegistered, WorkerStuck
from pgq.hooks import Process
from pgq.job import ClaimedJob
from pgq.listener import Listener
from pgq.logs import log_event, worker_log
from pgq.middleware import chain_of
from pgq.version import PROTOCOL, __version__

_LARGEST_CLAIM: Final = 1000
# How long (seconds) a leaving worker tries to reach the database, and waits for its handlers.
_FAREWELL: Final = 5.0
_LAST_WORDS: Final = 1.0


class Engine:
    """One run of a worker, in one event loop; the Holder of its jobs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.schema = options.schema
        self.worker_id = 0
        self.known_backend_pid: int | None = None  # the session that the database was told of
        self.paused = False
        self.stopping = False
        self.progress: deque[tuple[ClaimedJob, JsonText]] = deque()
        pause = min(5.0, options.heartbeat_interval)
        self._lifecycle = Lifecycle(options.all_hooks(), self._process)
        self.report = self._lifecycle.report
        self._session = Session(options.dsn, options.schema, "worker", pause, self.report)
        self._timekeeper = Timekeeper(options, self._session)
        self._unanswered = Unanswered(self._session, options.lease)
        self._settler = Settler(
            enough=self._enough,
            worker=options.name,
            report=self.report,
            told=options.settled,
        )
        self.runner = Runner(
            options.registry,
            self,
            options.concurrency,
            options.prefetch,
            self._settler.add,
            self.wake,
            chain=chain_of(options.middleware, options.registry.middleware),
            worker=options.name,
        )
        channel = Names(options.schema).channel
        self.listener = Listener(options.listen_dsn, channel, pause, self._hear, self.report)
        beating = Session(options.dsn, options.schema, "heartbeat", pause, self.report)
        self._heart = Heart(self, beating)
        self._pools = Pools(options.dsn, options.concurrency)
        self._pace = Pace(options.poll_interval)
        self._registering = asyncio.Lock()
        self._woken = asyncio.Event()
        self._claim: tuple[Any, Call[list[ClaimedJob]]] | None = None
        self._drained = False

    async def run(self) -> None:
        """Work until stopped or drained. Cancelled, it leaves at once. Raises WorkerStuck."""
        background: list[asyncio.Task[None]] = []
        try:
            if not await wait_for_schema(self._session, self.options, lambda: self.stopping):
                return
            background.append(asyncio.create_task(self.listener.run()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.listener.ready.wait(), 2.0)
            await self.register(0, self._session)
            await warn_of_connections(self._session, self.options.registry)
            await self._timekeeper.sync()
            background.append(asyncio.create_task(self._heart.run()))
            await self._first_of(asyncio.create_task(self._work()), background)
        except Exception as error:
            self.report(error, "worker")
            raise
        finally:
            try:
                await self._leave(background)
            finally:
                await self._lifecycle.end()

    def stop(self) -> None:
        """Claim nothing more, hand back what has not begun, and leave when the rest has ended."""
        if not self.stopping:
            self.stopping = True
            log_event(worker_log, logging.INFO, "worker.stopping", worker_id=self.worker_id)
            self._lifecycle.stop()
        self.wake()

    def wake(self) -> None:
        """Have the work loop look again."""
        self._woken.set()

    async def register(self, instead_of: int, session: Session) -> None:
        """Register, unless that was done since the worker was `instead_of` (0: nobody yet)."""
        options = self.options
        async with self._registering:
            if self.worker_id != instead_of:
                return
            backend_pid = self.listener.backend_pid
            self.worker_id = await session.call(
                calls.register_worker(
                    options.name,
                    options.queues,
                    self._tasks(),
                    options.concurrency,
                    options.lease,
                    socket.gethostname(),
                    os.getpid(),
                    __version__,
                    backend_pid,
                    PROTOCOL,
                )
            )
        self.known_backend_pid = backend_pid
        if options.registered is not None:
            options.registered(self.worker_id)
        log_event(
            worker_log,
            logging.INFO,
            "worker.registered",
            worker_id=self.worker_id,
            worker=options.name,
            queues=",".join(options.queues),
            concurrency=options.concurrency,
        )

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        """Have the progress written at the next beat."""
        self.progress.append((job, progress))

    def lend(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend a connection to a handler in a thread."""
        return self._pools.lend()

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """Lend a connection to an async handler."""
        return self._pools.lend_async()

    async def _first_of(
        self, work: asyncio.Task[None], background: list[asyncio.Task[None]]
    ) -> None:
        """Wait for the end of the work; an error of the background ends it too."""
        tasks: set[asyncio.Task[None]] = {work, *background}
        try:
            while not work.done():
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    await task
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        await self._lifecycle.start()
        while not self._is_done():
            self._woken.clear()
            self._check_threads()
            now = time.monotonic()
            if now >= self._unanswered.due_at:
                await self._release_unanswered(self._known_claims())
            release_at = self.runner.release_at()
            if not self._accepts() or (release_at is not None and now >= release_at):
                self.runner.release_unstarted()
            if self._accepts() and now >= self._timekeeper.due_at:
                await self._promote()
            elif self._exchange_is_due(now):
                await self._exchange(now)
            else:
                await self._sleep(self._next_at())

    def _check_threads(self) -> None:
        """Raise WorkerStuck where jobs could be claimed, were there a slot that will be free."""
        if self._accepts() and self.runner.is_stuck and not self._settler:
            raise WorkerStuck(
                f"every slot hangs in a job past its timeout: {self.runner.hanging()}",
                "Start a new process; give blocking calls timeouts of their own.",
            )

    def _is_done(self) -> bool:
        idle = self.runner.is_idle and not self._settler
        return idle and (self.stopping or self._drained)

    def _accepts(self) -> bool:
        return not (self.stopping or self.paused or self._drained)

    def _exchange_is_due(self, now: float) -> bool:
        settle_at = self._settle_at()
        # Claims wait for the outcomes that are about to be settled: one transaction for both.
        return self._claim_size(now) > 0 if settle_at is None else now >= settle_at

    def _claim_size(self, now: float) -> int:
        if not self._accepts() or not self.options.claims or now < self._pace.claim_at:
            return 0
        return max(0, min(self.runner.room(), _LARGEST_CLAIM))

    def _enough(self) -> int:
        """Return how many outcomes are worth a call: half of what is held, so that the other half
        runs meanwhile.
        """
        return max(1, self.options.concurrency // 2, len(self.runner.active) // 2)

    def _settle_at(self) -> float | None:
        due_at = self._settler.due_at()
        return 0.0 if due_at is not None and self.runner.is_idle else due_at

    def _next_at(self) -> float:
        """Return when (monotonic) there may be something to do that no wake-up tells."""
        runner = self.runner
        times = [self._settle_at(), runner.release_at(), runner.hangs_at(), self._unanswered.due_at]
        if self._accepts():
            times.append(self._timekeeper.due_at)
            if self.options.claims and runner.room() > 0:
                times.append(self._pace.claim_at)
        return min((at for at in times if at is not None), default=time.monotonic() + 60)

    async def _sleep(self, until: float) -> None:
        # Cheaper than a timeout, which would be an exception, and on the way of each job to an idle
        # worker.
        delay = max(0.0, until - time.monotonic())
        timer = asyncio.get_running_loop().call_later(delay, self.wake)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()

    async def _exchange(self, now: float) -> None:
        """Settle what has ended and claim what there is room for, in one transaction."""
        groups = self._settler.batch()
        size = self._claim_size(now + SOON if groups else now)
        hints, worker_id = self._pace.hints, self.worker_id
        try:
            # A crash that undoes a claim cuts off its worker too: only settles must be durable.
            answers = await self._session.try_together(
                self._requests(groups, size), durable=bool(groups)
            )
        except TRANSIENT as error:
            self._unanswered.note()
            await self._session.recover(error)
        except WorkerNotRegistered:
            await self.register(worker_id, self._session)
        except REFUSED:
            if not groups:
                raise
            await self._settle_singly()
        else:
            if self._settler.answered(groups, answers[: len(groups)]):
                self._timekeeper.due_at = 0.0
            if size:
                await self._take(answers[-1], size, hints)

    def _known_claims(self) -> set[int]:
        held = self.runner.active.values()
        return {one.job.claim_id for one in held} | self._settler.claim_ids()

    async def _release_unanswered(self, known: set[int]) -> None:
        try:
            await self._unanswered.release(self.worker_id, known)
        except TRANSIENT as error:
            await self._session.recover(error)

    def _requests(self, groups: list[list[Ended]], size: int) -> list[Call[Any]]:
        requests = [settle_call(group) for group in groups]
        if size:
            requests.append(self._claim_call(size))
        return requests

    def _claim_call(self, size: int) -> Call[list[ClaimedJob]]:
        """Return a claim; the same one as the last time, where it is the same: see Call.texts."""
        claim = (self.worker_id, size, self._tasks())
        if self._claim is None or self._claim[0] != claim:
            self._claim = claim, calls.claim_batch(self.options.queues, *claim)
        return self._claim[1]

    async def _settle_singly(self) -> None:
        try:
            await self._settler.settle_singly(self._session)
        except TRANSIENT as error:
            await self._session.recover(error)

    async def _take(self, jobs: list[ClaimedJob], size: int, hints: int) -> None:
        """Start claimed jobs, and decide when to claim again, if ever."""
        # First the outcomes that are due, so that the server works while these jobs run.
        settle_at = self._settler.due_at()
        self.runner.add(jobs, later=settle_at is not None and settle_at <= time.monotonic())
        ask_at = self._pace.claimed(len(jobs), size, hints)
        self._timekeeper.due_at = min(self._timekeeper.due_at, ask_at)
        if self.options.drain and self.runner.is_idle and not self._settler:
            self._drained = await self._promote() == 0

    async def _promote(self) -> int | None:
        """Make due jobs ready and return how many; None: the database did not answer."""
        is_promised = self._timekeeper.is_promised
        made_ready = await self._timekeeper.turn()
        if made_ready or is_promised:
            self._pace.look()
        return made_ready

    def _hear(self, hint: str | None) -> None:
        """Look for ready jobs, or when the next one is due, or for both."""
        if not hint:
            self._timekeeper.due_at = 0.0
        if hint != "":
            self._pace.hint()
        self.wake()

    def _tasks(self) -> list[str] | None:
        registry = self.options.registry
        if not self.options.claims:
            return []
        return None if registry.accept_all else registry.names

    def _process(self) -> Process:
        options = self.options
        queues = tuple(options.queues)
        return Process("worker", options.name, queues, self.worker_id, options.schema)

    async def _leave(self, background: list[asyncio.Task[None]]) -> None:
        """End everything; tell the database as far as it answers within a few seconds."""
        self._lifecycle.stop()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        # What is abandoned has begun: it is a lost run, which nobody may hand back.
        known = self._known_claims()
        self.runner.release_unstarted()
        await self.runner.abandon(_LAST_WORDS)
        self.runner.close()
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._say_goodbye(known)
        except (TimeoutError, *TRANSIENT, PgqError) as error:
            log_event(
                worker_log,
                logging.WARNING,
                "worker.left_without_a_word",
                worker_id=self.worker_id,
                error_type=type_of(error),
                error=first_line(error),
            )
            self.report(error, "goodbye")
        await self._heart.close()
        await self._session.close()
        await self._pools.close()
        log_event(worker_log, logging.INFO, "worker.stopped", worker_id=self.worker_id)

    async def _say_goodbye(self, known: set[int]) -> None:
        if self._unanswered.due_at < math.inf:
            await self._release_unanswered(known)
        while groups := self._settler.batch():
            answers = await self._session.try_together([settle_call(group) for group in groups])
            self._settler.answered(groups, answers)
        if self.worker_id:
            lost = await self._session.call(calls.deregister_worker(self.worker_id))
            if lost:
                log_event(
                    worker_log,
                    logging.WARNING,
                    "worker.left_jobs_behind",
                    worker_id=self.worker_id,
                    jobs=lost,
                )
