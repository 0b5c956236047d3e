"""How many jobs each workload takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of jobs, unless a comment says otherwise."""

    runs: int = 3  # of each contestant
    enqueue: int = 4_000
    bulk: int = 100_000
    bulk_batch: int = 1_000
    drain: int = 50_000
    engine_batch: int = 500
    latency: int = 300
    backlog: int = 1_000_000
    small_backlog: int = 20_000  # and how many are run in each case
    history: int = 10_000_000
    queues: int = 1_000  # queues
    pinned: int = 300_000
    pinned_window: int = 2_000
    pinned_kind: int = 20_000
    dead_claims: int = 200  # claims
    cost: int = 50_000
    kinds: int = 10_000
    clients: tuple[int, ...] = (1, 8, 32, 64)  # sessions
    notify_seconds: int = 1  # seconds


FULL = Sizes()

QUICK = Sizes(
    runs=3,
    enqueue=2_000,
    bulk=20_000,
    drain=10_000,
    latency=50,
    backlog=100_000,
    small_backlog=5_000,
    history=200_000,
    queues=200,
    pinned=30_000,
    pinned_kind=5_000,
    cost=10_000,
    kinds=2_000,
    clients=(1, 32),
    notify_seconds=1,
)

# For tests, which ask whether it works, and not how fast.
TINY = Sizes(
    runs=1,
    enqueue=40,
    bulk=200,
    bulk_batch=100,
    drain=300,
    engine_batch=50,
    latency=5,
    backlog=500,
    small_backlog=200,
    history=500,
    queues=10,
    pinned=600,
    pinned_window=100,
    pinned_kind=200,
    dead_claims=10,
    cost=200,
    kinds=100,
    clients=(2,),
    notify_seconds=1,
)
