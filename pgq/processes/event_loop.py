"""The event loop of a worker's process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run like asyncio.run, but on uvloop where that is installed.

    It hands jobs to threads and takes their outcomes back at half the cost.
    """
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        chosen: Any = asyncio
    else:
        chosen = uvloop
    # Out here, or the missing module would be the context of every error in the loop.
    answer: T = chosen.run(main)
    return answer
