"""The handlers; the workers are started as `python -m pgq worker pgq.bench.tasks:registry`."""

from __future__ import annotations

import os
from pathlib import Path

import pgq
from pgq.bench.ledger import FILE_VARIABLE, SLOT_VARIABLE, Ledger
from pgq.processes.tied import end_with_parent

registry = pgq.Registry()


class Stumbled(Exception):
    """Raised by a job that fails at its first attempt on purpose."""


def open_ledger() -> Ledger:
    """Open this process' ledger, before threads count in it."""
    return Ledger(Path(os.environ[FILE_VARIABLE]), int(os.environ[SLOT_VARIABLE]))


@registry.task("bench_async")
async def count_async(n: int, email: str) -> None:
    """Count, in the event loop."""
    ledger.count(n)


@registry.task("bench_sync")
def count_sync(n: int, email: str) -> None:
    """Count, in a thread."""
    ledger.count(n)


@registry.task("bench_moment")
async def note_moment(n: int, email: str) -> None:
    """Note when it begins."""
    ledger.count_moment(n)


@registry.task("bench_stumble", context=True)
async def stumble(ctx: pgq.Context, n: int, email: str) -> None:
    """Fail at the first attempt of every tenth job, else count."""
    if ctx.attempt == 1:
        ledger.attempt()
    if n % 10 == 0 and ctx.attempt == 1:
        raise Stumbled("the first attempt fails on purpose")
    ledger.count(n)


@registry.task("bench_nothing")
async def nothing() -> None:
    """Do nothing; such jobs are counted in the database alone."""


ledger = open_ledger()
end_with_parent()
