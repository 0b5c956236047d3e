"""One session takes jobs of each kind from enqueue to end: what they cost without a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import psycopg

from pgq.schema.names import quote_identifier

Job = dict[str, Any]
"""A job as enqueue_many() takes it."""

_TASK: Final = {"task": "pile"}


@dataclass(frozen=True)
class Kind:
    """A kind of job: how it is enqueued, where, and what is done when it runs."""

    jobs: Callable[[int], list[Job]] = lambda place: [{}]
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    then: str = "complete"
    batch: int = 100


def _flow(place: int) -> list[Job]:
    return [{"ref": f"p{place}"}, {"depends_on": [f"p{place}"]}]


def _of_keys(option: str, place: int, **others: Any) -> list[Job]:
    return [{option: f"k{place % 40}", **others}]


KINDS: Final[Mapping[str, Kind]] = {
    "plain": Kind(),
    "delayed": Kind(lambda place: [{"delay": "1 ms"}]),
    "flow": Kind(_flow),
    "awaited": Kind(then="await"),
    "concurrency key": Kind(partial(_of_keys, "concurrency_key", concurrency_limit=500)),
    "concurrency key, waiting": Kind(
        lambda place: [{"concurrency_key": "k", "concurrency_limit": 10}]
    ),
    "unique key": Kind(lambda place: [{"unique_key": f"u{place}"}]),
    "unique key, while queued": Kind(
        lambda place: [{"unique_key": f"u{place}", "unique_while": "queued"}]
    ),
    "unique key, with a window": Kind(
        lambda place: [{"unique_key": f"u{place}", "unique_for": "1 hour"}]
    ),
    "unique key, used again": Kind(lambda place: [{"unique_key": "u"}], batch=1),
    "rate limit": Kind(limits={"rate_limit": 10_000_000}),
    "rate limit by key": Kind(
        partial(_of_keys, "partition_key"), limits={"rate_limit": 1_000_000, "rate_per_key": True}
    ),
    "max_running": Kind(limits={"max_running": 10_000}),
    "fair": Kind(partial(_of_keys, "partition_key"), limits={"fair": True}),
    "fair, a key a job": Kind(
        lambda place: [{"partition_key": f"k{place}"}], limits={"fair": True}
    ),
    "in a batch": Kind(),
    "cancelled": Kind(then="cancel"),
    "released": Kind(then="release"),
    "orders": Kind(then="order"),
}
"""By name; each is a row of the benchmark, and a case of the tests that count pages."""


class Pile:
    """Takes jobs of one kind from enqueue to end, by the functions that workers call."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, schema: str = "pgq") -> None:
        self.kind = KINDS[name]
        self.count = 0
        self._in_batches = name == "in a batch"
        self._connection = connection
        self._schema = quote_identifier(schema)
        self._worker: int = self._rows("register_worker('pile', array['default'])")[0][0]
        if self.kind.limits:
            given = ", ".join(f"{option} => %s" for option in self.kind.limits)
            self._rows(f"configure_queue('default', {given})", *self.kind.limits.values())

    def _rows(self, call: str, *values: object) -> list[tuple[Any, ...]]:
        query = f"select * from {self._schema}.{call}"
        return self._connection.execute(query.encode(), values or None).fetchall()

    def run(self, jobs: int) -> None:
        """Run so many jobs, or one more where two of them make a flow."""
        made: list[Job] = []
        while len(made) < jobs:
            made += self.kind.jobs(self.count + len(made))
        self.count += len(made)
        batch = self._rows("create_batch()")[0][0] if self._in_batches else None
        given = [_TASK | job | ({} if batch is None else {"batch_id": batch}) for job in made]
        self._rows("enqueue_many(%s::jsonb)", json.dumps(given))
        if batch is not None:
            self._rows("close_batch(%s)", batch)
        left = len(made)
        while left:
            self._rows("promote_due()")
            left -= self._end(self._claim(jobs))

    def _claim(self, jobs: int) -> list[tuple[int, int]]:
        rows = self._rows("claim_batch(array['default'], %s, batch_size => %s)", self._worker, jobs)
        return [(row[0], row[1]) for row in rows]

    def _end(self, held: list[tuple[int, int]]) -> int:
        if not held:
            return 0
        if self.kind.then == "await":
            self._rows("await_jobs(%s)", [job_id for job_id, _ in held])
        elif self.kind.then == "release":
            self._settle("release", held)
            self._rows("promote_due()")
            held = self._claim(len(held))
        elif self.kind.then == "order":
            for instruction in ("pause", "resume"):
                self._rows("order_worker(%s, %s)", self._worker, instruction)
        if self.kind.then == "cancel":
            self._rows("cancel(%s)", [job_id for job_id, _ in held])
            self._settle("fail", held)
        else:
            self._settle("complete", held)
        return len(held)

    def _settle(self, how: str, held: list[tuple[int, int]]) -> None:
        ids, claim_ids = (list(column) for column in zip(*held, strict=True))
        self._rows(f"{how}_batch(%s::bigint[], %s::bigint[])", ids, claim_ids)
