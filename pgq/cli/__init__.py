"""The command line: `pgq`, and the same as `python -m pgq`.

Importing it imports click and little else: what a command needs, it imports when it runs.
"""

from __future__ import annotations

from pgq.cli import (
    again,
    audit,
    batches,
    bench,
    bulk,
    clearing,
    config,
    conformance,
    demo,
    errors,
    flow,
    health,
    jobs,
    metrics,
    operations,
    psql,
    queues,
    retention,
    router,
    schedules,
    schema,
    semaphores,
    server,
    shards,
    tail,
    tasks,
    topics,
    web,
    worker,
)
from pgq.cli.app import cli
from pgq.cli.top import command as top

__all__ = [
    "again",
    "audit",
    "batches",
    "bench",
    "bulk",
    "clearing",
    "cli",
    "config",
    "conformance",
    "demo",
    "errors",
    "flow",
    "health",
    "jobs",
    "main",
    "metrics",
    "operations",
    "psql",
    "queues",
    "retention",
    "router",
    "schedules",
    "schema",
    "semaphores",
    "server",
    "shards",
    "tail",
    "tasks",
    "top",
    "topics",
    "web",
    "worker",
]


def main() -> None:
    """Run the command line and exit with its code (see `failures`)."""
    cli(prog_name="pgq")
