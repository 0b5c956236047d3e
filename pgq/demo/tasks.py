"""The demo's one task; its workers are started as `python -m pgq worker pgq.demo.tasks`."""

from __future__ import annotations

from pathlib import Path

import pgq
from pgq.demo.count import Counts, count
from pgq.processes.tied import end_with_parent


class Stumbled(Exception):
    """Raised by a job that fails at its first attempt on purpose."""


@pgq.task("count_module", context=True)
def count_module(ctx: pgq.Context, path: str, *, stumbles: bool = False) -> Counts:
    """Count one file. With `stumbles` the first attempt fails, and the retry counts."""
    if stumbles and ctx.attempt == 1:
        raise Stumbled("the first attempt fails on purpose")
    return count(Path(path))


end_with_parent()
