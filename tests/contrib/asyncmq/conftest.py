from __future__ import annotations

import pytest

import pgq
from pgq.contrib.asyncmq import Queue, event_emitter


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("double")
    async def double(number: int = 1) -> int:
        return number * 2

    @made.task("fail")
    def fail() -> None:
        raise ValueError("no")

    return made


@pytest.fixture
def queue(dsn: str, registry: pgq.Registry) -> Queue:
    event_emitter.clear_history()
    return Queue("work", dsn, registry=registry, lease=1.5)
