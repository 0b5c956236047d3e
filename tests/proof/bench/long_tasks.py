"""The handler of the workload `long`, which takes a payload."""

from __future__ import annotations

from pgq.bench.tasks import ledger, registry

__all__ = ["registry"]


@registry.task("bench_body")
async def count_body(n: int, email: str, body: str | None) -> None:
    """Count, in the event loop."""
    ledger.count(n)
