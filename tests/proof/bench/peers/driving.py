"""What the Python peers' drivers share. Runs in a peer's own environment, without pgq.

A driver is called with an order in JSON: {"do": "setup" | "enqueue" | "bulk" | "latency" | "work",
"first": 0, "jobs": 100, "batch": 1000}. See `pgq.bench.processes.run_together` for the rest.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

DSN = os.environ["PGQ_BENCH_DSN"]
PAUSES = (0.030, 0.060)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _load_ledger() -> Any:
    # By its path: its package is not installed here.
    path = Path(__file__).parents[4] / "pgq" / "bench" / "ledger.py"
    spec = importlib.util.spec_from_file_location("ledger", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_ledger() -> Any:
    """Return this worker's ledger."""
    slot = int(os.environ["PGQ_BENCH_SLOT"])
    return _load_ledger().Ledger(Path(os.environ["PGQ_BENCH_LEDGER"]), slot)


def counter() -> Callable[[int], None]:
    """Return what a handler calls; when a job runs is noted for latencies only."""
    ledger = open_ledger()
    noted: Callable[[int], None] = (
        ledger.count_moment if "PGQ_BENCH_MOMENTS" in os.environ else ledger.count
    )
    return noted


def payload(n: int) -> dict[str, Any]:
    return {"n": n, "email": "user@example.com"}


def order() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sys.argv[-1])
    return found


def batches(what: dict[str, Any]) -> list[range]:
    numbers = range(what["first"], what["first"] + what["jobs"])
    return [numbers[at : at + what["batch"]] for at in range(0, len(numbers), what["batch"])]


def begin() -> int:
    print("ready", flush=True)
    sys.stdin.readline()
    return time.monotonic_ns()


def answer(jobs: int, began: int, **more: Any) -> None:
    print(json.dumps({"jobs": jobs, "began": began, "ended": time.monotonic_ns(), **more}))


async def produce(
    what: dict[str, Any],
    one: Callable[[int], Awaitable[Any]],
    many: Callable[[range], Awaitable[Any]] | None = None,
) -> None:
    """Do what an order to enqueue says."""
    committed: list[int] = []
    began = begin()
    if what["do"] == "bulk" and many:
        for batch in batches(what):
            await many(batch)
    else:
        for n in range(what["first"], what["first"] + what["jobs"]):
            if what["do"] == "latency":
                await asyncio.sleep(random.uniform(*PAUSES))
            await one(n)
            committed.append(time.monotonic_ns())
    answer(what["jobs"], began, **({"committed": committed} if what["do"] == "latency" else {}))


def until_sigterm(run: Awaitable[Any]) -> None:
    """Run a worker until it is told to end; it is not asked to be polite."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    async def forever() -> None:
        await run

    asyncio.run(forever())
