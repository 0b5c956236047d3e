"""Heartbeats with the orders that they bring, housekeeping, and progress: one session, in turns."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, Final

from pgq.calls import jobs as calls
from pgq.logs import log_event
from pgq.orders import obey
from pgq.reports import IdleTurn
from pgq.rows import Order
from pgq.worker.session import Session
from pgq.worker.verdicts import NoAnswer, Verdict, is_lost, verdict_of

if TYPE_CHECKING:
    from pgq.worker.engine import Engine

_TICK: Final = 0.2
_MAINTAIN_EVERY: Final = 1.0
_SWEEP_EVERY: Final = 30.0
# How often (seconds) to beat while the database cannot see the session that it was told of: it
# gives a worker up after two seconds without either.
_ANXIOUS: Final = 0.5
# How long (seconds) after the turn of an idle worker, which beats and maintains itself, there must
# be another one; and how long the session stays open that nobody needs meanwhile.
_NEXT_TURN: Final = 3.0
_KEPT: Final = 30.0


class Heartbeat:
    """Beats for an engine. Whatever else it does must not hold up the next beat for long."""

    def __init__(self, engine: Engine, session: Session) -> None:
        self._engine = engine
        self._session = session
        self._interval = engine.options.heartbeat_interval
        self._maintains = engine.options.maintains
        self._beat_at = 0.0
        self._beaten_at = 0.0
        self._maintain_at = 0.0
        self._sweep_at = 0.0
        self._used_at = 0.0
        self._is_beating = True
        self._is_heard = True  # no session was lost since it was heard

    async def run(self) -> None:
        """Beat until cancelled; raises what makes going on wrong."""
        # It has just registered, and most workers begin with nothing to do.
        now = time.monotonic()
        self._beat_at, self._maintain_at = now + self._interval, now + _MAINTAIN_EVERY
        while True:
            now = time.monotonic()
            is_heard = self._is_heard
            if self.is_due_by(now) and self._may_beat():
                self._beat_at = now + self._interval
                if is_heard := await self._try("heartbeat", self._beat()):
                    self._heard(now)
            if is_heard and self._maintains and now >= self._maintain_at:
                await self._try("maintain", self._maintain())
                self._maintain_at = time.monotonic() + _MAINTAIN_EVERY * random.uniform(0.8, 1.2)
            await self._write_progress()
            if now >= self._sweep_at:
                self._engine.pools.close_idle()
                self._sweep_at = now + _SWEEP_EVERY
            if now >= self._used_at + _KEPT:
                await self._session.close()
            await self._pause(min(_TICK, self._interval / 2))

    def is_due_by(self, moment: float) -> bool:
        """Whether there must be a heartbeat until then: in time, or of a new listening session."""
        return moment >= self._beat_at or self._is_anxious(moment)

    @property
    def may_maintain(self) -> bool:
        """Whether there may be housekeeping: who may be taken for dead must be heard first."""
        return self._maintains and self._is_heard

    def take(self, began: float, turn: IdleTurn, backend_pid: int | None) -> None:
        """Note what the turn of an idle worker did, so that this need not do it."""
        if turn.orders is not None:
            self._beat_at = began + self._interval
            self._heard(began)
            self._engine.known_backend_pid = backend_pid or self._engine.known_backend_pid
            obey(self._engine, set(turn.orders))
        self._maintain_at = (
            0.0 if turn.must_maintain else max(self._maintain_at, began + _NEXT_TURN)
        )
        _report_failures(turn.failed_steps or ())

    def lost(self) -> None:
        """Note that a session was lost: others may take the worker for dead by now.

        What it says first is that it lives.
        """
        self._beat_at = 0.0
        self._is_heard = False

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    def _may_beat(self) -> bool:
        """Whether the session that does the work has answered within the lease, or had no need to.

        Else this one proves nothing: what runs here could not be told of, so others may have it.
        """
        silent = self._engine.silent_for
        beats = silent < self._engine.options.lease
        if beats != self._is_beating:
            self._is_beating = beats
            event = "worker.heartbeat_resumed" if beats else "worker.heartbeat_withheld"
            level = logging.INFO if beats else logging.ERROR
            log_event(level, event, silent=None if beats else round(silent, 1))
        return beats

    async def _try(self, what: str, doing: Awaitable[Any]) -> bool:
        """Do something with the session; an error is noted, and the rest goes on."""
        self._used_at = time.monotonic()
        try:
            await doing
        except Exception as error:
            if verdict_of(error) is Verdict.EXIT:
                raise
            # Housekeeping that takes long is given up, and has its next turn soon.
            if is_lost(error) and not (what == "maintain" and isinstance(error, NoAnswer)):
                self.lost()
                await self._session.recover(error, what)
            else:
                await self._session.let_go(error, what)
            return False
        return True

    async def _beat(self) -> None:
        engine = self._engine
        worker_id = engine.worker_id
        sent = {job_id: held.job.claim_id for job_id, held in engine.runner.active.items()}
        backend_pid = engine.listener.backend_pid
        call = calls.heartbeat(worker_id, list(sent), sent.values(), backend_pid)
        orders = await self._session.try_call(call, what="heartbeat")
        engine.known_backend_pid = backend_pid or engine.known_backend_pid
        standing = {order.instruction for order in orders if order.job_id is None}
        if "lost" in standing:
            log_event(logging.WARNING, "worker.lost", worker_id=worker_id)
            await engine.register(worker_id, self._session)
        obey(engine, standing)
        self._obey([order for order in orders if order.job_id is not None], sent)

    def _obey(self, orders: list[Order], sent: dict[int, int]) -> None:
        runner = self._engine.runner
        for order in orders:
            held = runner.active.get(order.job_id or 0)
            # Meanwhile the job may have been settled, and even claimed anew.
            if held is None or held.job.claim_id != sent.get(held.job.job_id):
                continue
            if order.instruction == "cancel":
                runner.cancel(held.job.job_id)
            else:
                runner.lose(held.job.job_id)

    def _heard(self, at: float) -> None:
        self._beaten_at, self._is_heard = at, True

    def _is_anxious(self, now: float) -> bool:
        """Whether the session that the database was told of is gone, or another one is there."""
        known = self._engine.known_backend_pid
        if known is None or known == self._engine.listener.backend_pid:
            return False
        return now >= self._beaten_at + _ANXIOUS

    async def _maintain(self) -> None:
        """Do housekeeping that is due; given up when it takes so long that a beat would be late."""
        within = max(1.0, self._interval)
        steps = await self._session.try_call(calls.maintain(), within=within, what="maintain")
        _report_failures([step.step for step in steps if step.affected is None])

    async def _write_progress(self) -> None:
        progress = self._engine.progress
        # Threads write on meanwhile: what comes after this list waits for the next turn.
        for job_id, claim_id in list(progress):
            text = progress.pop((job_id, claim_id))
            # Dropped where it is not taken: it is for people who watch, and the next one follows.
            call = calls.set_progress(job_id, claim_id, text)
            await self._try("set_progress", self._session.try_call(call, what="set_progress"))

    async def _pause(self, seconds: float) -> None:
        began = time.monotonic()
        await asyncio.sleep(seconds)
        late = time.monotonic() - began - seconds
        if late > self._interval:
            log_event(
                logging.WARNING,
                "loop.blocked",
                seconds=round(late, 1),
                reason="a handler that does not await",
            )


def _report_failures(steps: Iterable[str]) -> None:
    for step in steps:
        log_event(
            logging.WARNING,
            "maintenance.step_failed",
            step=step,
            reason="health() says with what; it is tried again in 10 s",
        )
