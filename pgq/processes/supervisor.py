"""The supervisor: keeps worker processes running, and tells the database at once of one that died.

    plans = plan_processes(config, dsn)
    code = asyncio.run(Supervisor(plans).run())

Each process is a new Python that imports the modules itself; nothing is forked. One that dies is
started again after a pause that doubles from half a second up to half a minute, and is short again
once a process has lived for a minute. When the supervisor dies, its processes notice, and stop in
order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pgq.calls.call import Call
from pgq.errors import InvalidArgument
from pgq.hooks import Hooks, Process
from pgq.lib.backoff import Backoff
from pgq.lib.report import first_line
from pgq.lib.signals import caught
from pgq.logs import log_event
from pgq.processes.child import Child, how_it_ended
from pgq.processes.plan import ProcessPlan, plan_processes
from pgq.processes.reload import Sources, folders_of
from pgq.processes.slot import GRACE, Slot
from pgq.processes.titles import set_title
from pgq.worker.lifecycle import run_hooks
from pgq.worker.session import Session
from pgq.worker.verdicts import Verdict, verdict_of

__all__ = ["ProcessPlan", "Supervisor", "plan_processes"]

_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_WELL_AFTER: Final = 60.0
# How long (seconds) running jobs may go on when a file has changed, where no limit is given.
_RELOAD_TIMEOUT: Final = 5.0
# For so long (seconds) the database is told of a dead worker; its own rescue is sooner.
_REPORT_FOR: Final = 30.0
_ANSWER: Final = 5.0
_LOOK_EVERY: Final = 1.0
# Exit codes that another start does not cure: the call is wrong, there is no database.
_WRONG_CALL, _NO_DATABASE = 2, 3
# The database stayed away for so long that the one who runs all this must know.
_AWAY = 4


class Supervisor:
    """Runs a process for each plan, until it is told to stop or all have nothing left to do.

    hooks: run at its start, stop and exit, those of the kind "supervisor". replan: asked at SIGHUP
    for new plans; processes whose plan is not among them are stopped in order, others begun, and
    the rest goes on. reload: restart all when a source file changes.
    """

    def __init__(
        self,
        plans: Sequence[ProcessPlan],
        *,
        hooks: Hooks | None = None,
        replan: Callable[[], Sequence[ProcessPlan]] | None = None,
        reload: bool = False,
    ) -> None:
        self._plans = list(plans)
        self._hooks = Hooks() if hooks is None else hooks
        self._replan = replan
        self._reload = reload
        self._slots: dict[asyncio.Task[None], Slot] = {}
        self._reports: set[asyncio.Task[None]] = set()
        self._stops = 0
        self._news = asyncio.Event()
        self._stop_asked = asyncio.Event()
        self._was_up = False
        self._code = 0

    async def run(self) -> int:
        """Return the exit code: 0, or that of a process that could not even begin."""
        process = Process("supervisor", f"{socket.gethostname()}-{os.getpid()}")
        set_title("supervisor")
        log_event(logging.INFO, "supervisor.started", processes=len(self._plans))
        watching = asyncio.create_task(self._watch()) if self._reload else None
        with caught(self._handlers()):
            await run_hooks(self._hooks, "start", process, self._stop_asked)
            if not self._stops:
                for plan in self._plans:
                    self._begin(plan)
            await self._until_all_ended(process)
        if watching is not None:
            watching.cancel()
        if self._reports:
            await asyncio.wait(self._reports, timeout=GRACE)
        await run_hooks(self._hooks, "exit", process)
        log_event(logging.INFO, "supervisor.stopped", exit_code=self._code)
        return self._code

    def stop(self) -> None:
        """Stop: at the first call in order, at the second at once."""
        self._stops += 1
        self._stop_asked.set()
        self._news.set()
        for slot in self._slots.values():
            if self._stops > 1:
                slot.stop_now()
            else:
                slot.stop()

    def stop_now(self) -> None:
        """Stop at once: running jobs are lost runs, to be retried."""
        self._stops = max(self._stops, 1)
        self.stop()

    def read_again(self) -> None:
        """Ask for new plans and make the processes those; keep them where that fails."""
        if self._replan is None or self._stops:
            return
        try:
            plans = list(self._replan())
        except (InvalidArgument, OSError) as error:
            log_event(logging.ERROR, "supervisor.config_refused", error=f"{error}")
            return
        kept = 0
        for slot in [slot for slot in self._slots.values() if not slot.leaving.is_set()]:
            if slot.plan in plans:
                plans.remove(slot.plan)
                kept += 1
            else:
                slot.stop()
        for plan in plans:
            self._begin(plan)
        log_event(logging.INFO, "supervisor.config_read", kept=kept, started=len(plans))

    def restart(self) -> None:
        """Replace all processes by new ones with the same plans."""
        for slot in [slot for slot in self._slots.values() if not slot.leaving.is_set()]:
            if slot.child is None:
                slot.changed.set()
            else:
                limit = _RELOAD_TIMEOUT if slot.plan.shutdown_timeout is None else None
                slot.stop(limit)
                self._begin(slot.plan)

    def _handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "SIGTERM": self.stop,
            "SIGINT": self.stop,
            "SIGQUIT": self.stop_now,
            "SIGHUP": self.read_again,
        }

    def _begin(self, plan: ProcessPlan) -> None:
        slot = Slot(plan)
        self._slots[asyncio.create_task(self._keep(slot))] = slot
        self._news.set()

    async def _until_all_ended(self, process: Process) -> None:
        announced = False
        while self._slots:
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            await asyncio.wait([*self._slots, news], return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            for task in [task for task in self._slots if task.done()]:
                del self._slots[task]
                task.result()
            if self._stops and not announced:
                announced = True
                log_event(logging.INFO, "supervisor.stopping")
                await run_hooks(self._hooks, "stop", process)

    async def _keep(self, slot: Slot) -> None:
        """Start processes, one after the other, until the slot is not needed any more."""
        pauses = Backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        while not slot.leaving.is_set():
            began = time.monotonic()
            try:
                code = await self._run_child(slot)
            except OSError as error:
                log_event(logging.ERROR, "process.not_started", error=first_line(error))
                code = 1
            if slot.leaving.is_set() or code is None:
                return
            if self._reload and code == _WRONG_CALL:
                log_event(logging.WARNING, "process.waiting", until="a file changes")
                await self._first_of(slot, None)
                continue
            if code == _AWAY or (code in (_WRONG_CALL, _NO_DATABASE) and not self._was_up):
                self._code = code
                self.stop()
                return
            if time.monotonic() - began > _WELL_AFTER:
                pauses.reset()
            pause = pauses.next()
            log_event(logging.INFO, "process.restart", queues=slot.plan.label, pause=pause)
            await self._first_of(slot, pause)

    async def _run_child(self, slot: Slot) -> int | None:
        """Run one process to its end; return how it ended, None where it had nothing left to do."""
        child = Child(slot.plan)
        await child.start()
        slot.child = child
        slot.changed.clear()
        if slot.leaving.is_set():
            child.send(signal.SIGTERM)
        log_event(logging.INFO, "process.started", pid=child.pid, queues=slot.plan.label)
        code = await child.wait()
        slot.child = None
        slot.ended()
        self._was_up = self._was_up or bool(child.worker_ids)
        announced = slot.leaving.is_set() and not child.worker_ids
        expected = announced or (child.has_left and (code == 0 or slot.leaving.is_set()))
        level = logging.INFO if expected else logging.WARNING
        how = how_it_ended(code)
        log_event(level, "process.ended", pid=child.pid, how="in order" if expected else how)
        if not child.has_left and child.worker_ids:
            for place in {place for _, place in child.worker_ids}:
                report = asyncio.create_task(_report(child, place, how))
                self._reports.add(report)
                report.add_done_callback(self._reports.discard)
        return None if code == 0 and child.has_left else code

    async def _first_of(self, slot: Slot, seconds: float | None) -> None:
        """Wait until the slot is not needed, a file has changed, or the time has passed."""
        waits = [asyncio.ensure_future(event.wait()) for event in (slot.leaving, slot.changed)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _watch(self) -> None:
        modules = {module for plan in self._plans for module in plan.modules}
        sources = await asyncio.to_thread(lambda: Sources(folders_of(modules)))
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if changed := await asyncio.to_thread(sources.changed):
                log_event(logging.INFO, "supervisor.reload", changed=_named(changed))
                self.restart()


async def _report(child: Child, place: int, how: str) -> None:
    """Tell a worker's database that its process is gone. If not, its own rescue comes later."""
    from pgq.calls.operate import report_lost_worker

    options = child.plan.workers[place]
    session = Session(options["dsn"], options["schema"], "supervisor", 2.0, deadline=_ANSWER)
    try:
        async with asyncio.timeout(_REPORT_FOR):
            for worker_id in [each for each, of in child.worker_ids if of == place]:
                call = report_lost_worker(worker_id, how)
                lost = await _repeat(session, call)
                log_event(logging.WARNING, "worker.lost", worker_id=worker_id, how=how, jobs=lost)
    except Exception as error:  # noqa: BLE001 (the processes are kept running, whatever it is)
        log_event(logging.WARNING, "worker.not_reported", error=first_line(error))
    finally:
        await session.close()


async def _repeat(session: Session, call: Call[int]) -> int:
    """Send a call until it is answered; raises what does not pass by itself."""
    while True:
        try:
            return await session.try_call(call, what="report_lost_worker")
        except Exception as error:
            if verdict_of(error) is not Verdict.RETRY:
                raise
            await session.recover(error, "report_lost_worker")


def _named(files: Sequence[Path]) -> str:
    return ", ".join(str(file) for file in files[:3]) + (", ..." if len(files) > 3 else "")
