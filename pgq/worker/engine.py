"""A worker at work: what it is made of, how it begins, and how it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg

from pgq.calls import jobs as calls
from pgq.calls.operate import report_lost_worker
from pgq.hooks import Process
from pgq.lib.processes import is_gone, pid_space
from pgq.lib.report import first_line, type_of
from pgq.logs import log_event
from pgq.middleware import chain_of
from pgq.rows import ClaimedJob
from pgq.schema.names import Names
from pgq.values import JsonText
from pgq.version import PROTOCOL, __version__
from pgq.worker.budget import Budget
from pgq.worker.executor import Runner
from pgq.worker.heartbeat import Heartbeat
from pgq.worker.lifecycle import Lifecycle
from pgq.worker.listener import Listener
from pgq.worker.pools import Pools
from pgq.worker.session import Session
from pgq.worker.start import wait_for_schema, warn_of_connections
from pgq.worker.work import Work

if TYPE_CHECKING:
    from pgq.worker.children import Children
    from pgq.worker.worker import Options

# How long (seconds) a leaving worker tries to reach the database, and waits for its handlers.
_LEAVING: Final = 5.0
_LEAVING_IN_A_HURRY: Final = 1.0
_ABANDONING: Final = 1.0


class Engine:
    """One run of a worker, in one event loop; the JobHolder of its jobs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.schema = options.schema
        self.worker_id = 0
        self.known_backend_pid: int | None = None  # the session that the database was told of
        self.paused = False
        self.stopping = False
        self.leaving = False
        self.leave_by = math.inf  # monotonic; said at the first stop
        self.has_ended = False  # its work; what remains is to deregister
        self._hands_back = False
        self.progress: dict[tuple[int, int], JsonText] = {}  # the last of each claim
        # Short beside a lease: who comes back from an outage late is taken for dead.
        pause = min(5.0, options.heartbeat_interval, options.lease / 10)
        self._lifecycle = Lifecycle(options.all_hooks(), self._process)
        self.report = self._lifecycle.report
        self._session = self._new_session("worker", pause)
        self.work = Work(self, self._session)
        self.runner = Runner(
            options.registry,
            self,
            options.budget or Budget(options.concurrency),
            options.prefetch,
            self.work.settler.add,
            self.wake,
            ended=self.work.note_end,
            chain=chain_of(options.middleware, options.registry.middleware),
            worker=options.name,
            can_claim=lambda: not (self.stopping or self.paused or self._session.is_failing),
            children=self._children,
        )
        channel = Names(options.schema).channel
        self.listener = Listener(
            options.listen_dsn, channel, pause, self.work.hear, self.report, options.deadline
        )
        self.heartbeat = Heartbeat(self, self._new_session("heartbeat", pause))
        self.pools = Pools(options.dsn, options.concurrency, self.report_soon)
        self._registering = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Work until stopped or drained. Cancelled, it leaves at once. Raises WorkerStuck.

        It must be cancelled only once.
        """
        background: list[asyncio.Task[None]] = []
        try:
            if not await wait_for_schema(self._session, self.options, lambda: self.stopping):
                return
            background.append(asyncio.create_task(self.listener.run()))
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which in Python 3.11 may swallow that this is cancelled.
                async with asyncio.timeout(2.0):
                    await self.listener.ready.wait()
            await self.register(0, self._session)
            await warn_of_connections(self._session, self.options.registry)
            await self.work.timekeeper.sync()
            background.append(asyncio.create_task(self.heartbeat.run()))
            await self._first_of(asyncio.create_task(self._begin_work()), background)
        except asyncio.CancelledError:
            if not self.leaving:
                self.leave(hands_back=True)
            raise
        except Exception as error:
            self.report(error, "worker")
            raise
        finally:
            self.has_ended = True
            try:
                await self._leave(background)
            finally:
                await self._lifecycle.end()

    def stop(self) -> None:
        """Claim nothing more, hand back what has not begun, and leave when the rest has ended."""
        if not self.stopping:
            self.stopping = True
            log_event(logging.INFO, "worker.stopping", worker_id=self.worker_id)
            self._lifecycle.stop()
        self.wake()

    def leave(self, *, hands_back: bool) -> None:
        """Say what becomes of running jobs when it leaves: handed back, or lost runs."""
        self.leaving = True
        self._hands_back = hands_back
        if hands_back:
            self.runner.interrupt()

    def wake(self) -> None:
        """Have the work loop look again."""
        self.work.wake()

    async def register(self, instead_of: int, session: Session) -> None:
        """Register, unless that was done since the worker was `instead_of` (0: nobody yet)."""
        options = self.options
        async with self._registering:
            if self.worker_id != instead_of:
                return
            backend_pid = self.listener.backend_pid
            call = session.call_anew(
                lambda: calls.register_worker(
                    options.name,
                    options.queues,
                    self.tasks(),
                    options.concurrency,
                    options.lease,
                    socket.gethostname(),
                    os.getpid(),
                    __version__,
                    backend_pid,
                    PROTOCOL,
                    datetime.now(UTC),
                    pid_space(),
                ),
                "register_worker",
                starting=not instead_of,
            )
            registration = asyncio.create_task(call)
            try:
                self.worker_id = await asyncio.shield(registration)
            except asyncio.CancelledError:
                # There may be a row by now, which it has to take back.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(_ABANDONING):
                        self.worker_id = await registration
                raise
        self.known_backend_pid = backend_pid
        if options.registered is not None:
            options.registered(self.worker_id)
        log_event(
            logging.INFO,
            "worker.registered",
            worker_id=self.worker_id,
            worker=options.name,
            queues=",".join(options.queues),
            concurrency=options.concurrency,
        )
        if not instead_of:
            await self._report_dead(session)

    async def _report_dead(self, session: Session) -> None:
        """Report workers whose processes have ended here: nobody else may live to see it."""
        try:
            beside = await session.try_call(calls.workers_beside(self.worker_id))
            for dead in [each for each in beside if is_gone(each.pid)]:
                how = f"ended: its process {dead.pid} is gone"
                jobs = await session.try_call(report_lost_worker(dead.id, how))
                log_event(logging.WARNING, "worker.lost", worker_id=dead.id, how=how, jobs=jobs)
        except Exception as error:  # noqa: BLE001 (then they are found later)
            await session.let_go(error, "workers_beside")

    async def _begin_work(self) -> None:
        await self._lifecycle.start()
        await self.work.run()

    def tasks(self) -> list[str] | None:
        """Return the tasks that it claims jobs of; None: of any."""
        registry = self.options.registry
        if not self.options.claims:
            return []
        return None if registry.accept_all else registry.names

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        """Have the progress written at the next beat."""
        self.progress[job.job_id, job.claim_id] = progress

    def lend(self, gives_up: Callable[[], bool]) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend a connection to a handler in a thread; Cancel where it `gives_up` waiting."""
        return self.pools.lend(gives_up)

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """Lend a connection to an async handler."""
        return self.pools.lend_async()

    def report_soon(self, error: BaseException, where: str) -> None:
        """Report an error of the infrastructure from any thread."""
        with contextlib.suppress(RuntimeError):  # it has left
            self._loop.call_soon_threadsafe(self.report, error, where)

    @property
    def silent_for(self) -> float:
        """How long (seconds) the session that does the work has had no answer to what it asked."""
        return self._session.silent_for

    def _new_session(self, name: str, pause: float) -> Session:
        options = self.options
        return Session(
            options.dsn,
            options.schema,
            name,
            pause,
            self.report,
            deadline=options.deadline,
            longest_outage=options.exit_after_outage,
        )

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
            self.has_ended = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _children(self) -> Children:
        """Return what runs handlers in child processes; few workers import it."""
        from pgq.worker.children import Children

        slots = self.options.budget.concurrency if self.options.budget else self.options.concurrency
        return Children(self.options.dsn, self.schema, slots)

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
        # What has begun may still run, or have done its work: only its own end hands it back.
        known = self.work.known_claims()
        self.runner.release_unstarted()
        await self.runner.abandon(min(_ABANDONING, self._left() / 3), settles=self._hands_back)
        self.runner.close()
        try:
            async with asyncio.timeout(self._time_to_leave()):
                await self._deregister(known)
        except Exception as error:  # noqa: BLE001 (it leaves, whatever is wrong)
            log_event(
                logging.WARNING,
                "worker.not_deregistered",
                worker_id=self.worker_id,
                error_type=type_of(error),
                error=first_line(error),
            )
            self.report(error, "goodbye")
        # All of these drop their connections, and wait for nobody.
        await self.heartbeat.close()
        await self._session.close()
        self.pools.close()
        log_event(logging.INFO, "worker.stopped", worker_id=self.worker_id)

    def _time_to_leave(self) -> float:
        """Return how long (seconds) to try: in a hurry not for long, nor while nobody answers."""
        if self._session.is_failing or self._session.silent_for > _LEAVING_IN_A_HURRY:
            wanted = _LEAVING_IN_A_HURRY
        else:
            wanted = 2 * _LEAVING_IN_A_HURRY if self.leaving else _LEAVING
        return min(wanted, self._left())

    def _left(self) -> float:
        """Return how long (seconds) the end may still take; a little, even where that is over."""
        return max(0.2, self.leave_by - time.monotonic())

    async def _deregister(self, known: set[int]) -> None:
        await self.work.settle_rest(known)
        if self.worker_id:
            # A claim that was cut off may be made only now.
            call = calls.deregister_worker(self.worker_id, known)
            lost = await self._session.call(call, "deregister_worker")
            if lost:
                log_event(
                    logging.WARNING, "worker.left_jobs_behind", worker_id=self.worker_id, jobs=lost
                )
