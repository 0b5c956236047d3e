"""A producer's process: `python -m pgq.bench.producer ORDER`, see `processes.run_together`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg

import pgq
from pgq.bench import floors
from pgq.bench.processes import DSN_VARIABLE
from pgq.lib.connect import connect
from pgq.processes.tied import end_with_parent
from pgq.schema.names import quote_identifier

EMAIL = "user@example.com"
Order = dict[str, Any]
Session = psycopg.Connection[Any]


def payload(n: int) -> dict[str, Any]:
    """Return the arguments that every contestant's job has."""
    return {"n": n, "email": EMAIL}


def _numbers(order: Order) -> range:
    return range(order["first"], order["first"] + order["jobs"])


def by_client(session: Session, order: Order) -> None:
    """Call Client.enqueue for each job."""
    client = pgq.Client(session, schema=order["schema"])
    for n in _numbers(order):
        client.enqueue("bench_async", payload(n))


def by_select(session: Session, order: Order) -> None:
    """Select enqueue(...) by a prepared statement for each job."""
    schema = quote_identifier(order["schema"])
    statement = f"select {schema}.enqueue('bench_async', %s::jsonb)".encode()
    for n in _numbers(order):
        session.execute(statement, (json.dumps(payload(n)),), prepare=True).fetchone()


def bare(session: Session, order: Order) -> None:
    """Insert each job into the bare table by a prepared statement."""
    statement = floors.INSERT.encode()
    for n in _numbers(order):
        job = ("default", 0, json.dumps(payload(n)))
        session.execute(statement, job, prepare=True).fetchone()


def bulk_by_client(session: Session, order: Order) -> None:
    """Call Client.enqueue_many in batches."""
    client = pgq.Client(session, schema=order["schema"])
    for batch in _batches(order):
        client.enqueue_many([pgq.NewJob("bench_async", payload(n)) for n in batch])


def bulk_bare(session: Session, order: Order) -> None:
    """Insert batches into the bare table by unnest."""
    statement = floors.INSERT_MANY.encode()
    for batch in _batches(order):
        jobs = [json.dumps(payload(n)) for n in batch]
        session.execute(statement, (jobs,), prepare=True).fetchall()


def _batches(order: Order) -> list[range]:
    numbers, size = _numbers(order), order["batch"]
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


WAYS: dict[str, Callable[[Session, Order], None]] = {
    way.__name__: way for way in (by_client, by_select, bare, bulk_by_client, bulk_bare)
}


def main() -> None:
    """Connect and say so, wait for a line of input, produce, and say when that was."""
    order: Order = json.loads(sys.argv[-1])
    end_with_parent()
    with connect(os.environ[DSN_VARIABLE], autocommit=True) as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began = time.monotonic_ns()
        WAYS[order["way"]](session, order)
        ended = time.monotonic_ns()
    sys.stdout.write(json.dumps({"jobs": order["jobs"], "began": began, "ended": ended}) + "\n")


if __name__ == "__main__":
    main()
