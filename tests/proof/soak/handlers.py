"""The handlers of the soak's worker processes: `pgq worker tests.proof.soak.handlers`."""

from __future__ import annotations

import asyncio
import random

import pgq
from tests.proof.soak.actors import EFFECT


@pgq.task(context=True)
async def effect(context: pgq.Context, token: str) -> None:
    """Write an effect and end the job in one transaction; now and then fail, or take long."""
    await asyncio.sleep(random.uniform(0, 0.02))
    if random.random() < 0.02:
        raise RuntimeError("by chance")
    if random.random() < 0.02:
        raise pgq.Snooze(0.1)
    async with context.transaction() as session:
        await session.execute(EFFECT, (token, context.job_id, context.claim_id))
