"""Where metrics see how long a worker waits for the database; nothing happens here without them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

# What measures an operation of that name.
timer: Callable[[str], AbstractContextManager[None]] | None = None


def timed(settles: bool, claims: bool) -> AbstractContextManager[None]:
    """Return what a worker does an exchange with the database in."""
    if timer is None:
        return nullcontext()
    return timer("settle_and_claim" if settles and claims else "settle" if settles else "claim")
