"""Heartbeats with the orders that they bring, housekeeping, and progress: one session, in turns."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Final

from pgq import calls
from pgq._session import TRANSIENT, Session, first_line
from pgq._values import JsonText
from pgq.errors import PgqError
from pgq.job import Order

if TYPE_CHECKING:
    from pgq._engine import Engine

log = logging.getLogger("pgq")

_TICK: Final = 0.2
_MAINTAIN_EVERY: Final = 1.0


class Heart:
    """Beats for an engine. Whatever else it does must not hold up the next beat for long."""

    def __init__(self, engine: Engine, session: Session) -> None:
        self._engine = engine
        self._session = session
        self._interval = engine.options.heartbeat_interval
        self._beat_at = 0.0
        self._maintain_at = 0.0

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            now = time.monotonic()
            if now >= self._beat_at:
                await self._beat()
                await self._release_unsure()
                self._beat_at = now + self._interval
            if now >= self._maintain_at:
                await self._maintain()
                self._maintain_at = time.monotonic() + _MAINTAIN_EVERY * random.uniform(0.8, 1.2)
            await self._write_progress()
            await self._pause(min(_TICK, self._interval / 2))

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def _beat(self) -> None:
        engine = self._engine
        worker_id = engine.worker_id
        sent = {job_id: held.job.claim_id for job_id, held in engine.runner.active.items()}
        orders = await self._session.call(
            calls.heartbeat(worker_id, sent, sent.values(), engine.listener.backend_pid)
        )
        told = {order.instruction for order in orders if order.job_id is None}
        if "lost" in told:
            log.warning("worker was given up worker_id=%d", worker_id)
            await engine.register(worker_id, self._session)
        if "stop" in told and not engine.stopping:
            log.info("worker was told to stop worker_id=%d", worker_id)
            engine.stop()
        if engine.paused != ("pause" in told):
            engine.paused = not engine.paused
            log.info("worker %s worker_id=%d", "paused" if engine.paused else "resumed", worker_id)
            engine.wake()
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

    async def _release_unsure(self) -> None:
        """Hand back claims whose commit was never answered; a commit may still be under way."""
        engine = self._engine
        if not engine.unsure:
            return
        unsure, engine.unsure = engine.unsure, []
        answers = await self._session.call(
            calls.release_batch(
                [job.job_id for job, _ in unsure], [job.claim_id for job, _ in unsure]
            )
        )
        now = time.monotonic()
        for (job, until), answer in zip(unsure, answers, strict=True):
            if answer.outcome == "lost" and now < until:
                engine.unsure.append((job, until))

    async def _maintain(self) -> None:
        """Do housekeeping that is due; given up when it takes so long that a beat would be late."""
        try:
            async with asyncio.timeout(max(1.0, self._interval)):
                await self._session.try_call(calls.maintain())
        except (TimeoutError, *TRANSIENT, PgqError) as error:
            log.warning("maintenance failed: %s", first_line(error))
            await self._session.close()

    async def _write_progress(self) -> None:
        latest: dict[tuple[int, int], JsonText] = {}
        while self._engine.progress:
            job, text = self._engine.progress.popleft()
            latest[job.job_id, job.claim_id] = text
        for (job_id, claim_id), text in latest.items():
            try:
                await self._session.try_call(calls.set_progress(job_id, claim_id, text))
            except (*TRANSIENT, PgqError) as error:
                log.warning("progress not written job_id=%d: %s", job_id, first_line(error))

    async def _pause(self, seconds: float) -> None:
        began = time.monotonic()
        await asyncio.sleep(seconds)
        late = time.monotonic() - began - seconds
        if late > self._interval:
            log.warning("event loop was blocked for %.1fs by a handler that does not await", late)
