"""The demo's one task; its workers are started as `python -m pgq worker pgq.demo.tasks`."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pgq
from pgq.demo.count import Counts, count
from pgq.demo.processes import PARENT_VARIABLE


class Stumbled(Exception):
    """Raised by a job that fails at its first attempt on purpose."""


@pgq.task("count_module", context=True)
def count_module(ctx: pgq.Context, path: str, *, stumbles: bool = False) -> Counts:
    """Count one file. With `stumbles` the first attempt fails, and the retry counts."""
    if stumbles and ctx.attempt == 1:
        raise Stumbled("the first attempt fails on purpose")
    return count(Path(path))


def _end_with_parent(parent: int) -> None:
    # A demo ended by kill -9 cannot end its workers, and takes their server with it.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if _parent := os.environ.get(PARENT_VARIABLE):
    threading.Thread(target=_end_with_parent, args=(int(_parent),), daemon=True).start()
