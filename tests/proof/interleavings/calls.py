"""The calls that a transaction may make: all kinds, about few jobs, keys and queues, so they meet.

A call is a statement of SQL with its parameters. What it is about is drawn from what is committed,
and from a handful of hot jobs that all transactions of a round share.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.proof.interleavings.ledger import KEYS, Ledger

QUEUES: Final = ("a", "b")
TENANTS: Final = ("p", "q")
WINDOWS: Final[Any] = ({}, {"unique_while": "queued"}, {"unique_for": "1 minute"})
CONFLICTS: Final = ("return", "raise", "replace", "bump", "discard", "merge")


class Call(NamedTuple):
    """One statement; `jobs` are the jobs that an enqueue_many asks for."""

    name: str
    query: str
    values: tuple[Any, ...] = ()
    jobs: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        shown = self.query.removeprefix("select * from pgq.")
        return f"{shown} <- {', '.join(map(repr, self.values))}" if self.values else shown


def call(function: str, *values: Any, casts: str = "", **named: Any) -> Call:
    """Make the call of a function: values by place, each with its cast, and then named ones."""
    places = [f"%s{cast and '::'}{cast}" for cast in (casts.split() + [""] * len(values))]
    given = [*places[: len(values)], *(f"{name} => %s" for name in named)]
    query = f"select * from pgq.{function}({', '.join(given)})"
    return Call(function, query, (*values, *named.values()))


def enqueue_many(*jobs: dict[str, Any]) -> Call:
    """Make a call that enqueues these jobs."""
    return call("enqueue_many", json.dumps(jobs))._replace(jobs=jobs)


class Chooser:
    """Draws calls, of all kinds or `only` of some; `hot` are the jobs that a round is about."""

    def __init__(self, draw: random.Random, ledger: Ledger, only: tuple[str, ...] = ()) -> None:
        self.draw = draw
        self.ledger = ledger
        self.hot: list[int] = []
        self.workers: list[int] = []
        kinds: tuple[Callable[[], Call], ...] = (
            *(self.enqueue, self.enqueue, self.enqueue_keyed, self.again),
            *(self.claim, self.claim, self.settle, self.settle, self.settle, self.split),
            *(self.by_ids, self.by_ids, self.by_ids, self.keep_house, self.keep_house),
            *(
                self.promote,
                self.promote,
                self.limit,
                self.pause,
                self.batch,
                self.schedule,
                self.clear,
            ),
            self.worker,
        )
        self._kinds = [kind for kind in kinds if not only or kind.__name__ in only]

    def warm(self) -> None:
        """Choose the jobs of a round: some that are live, some that have ended."""
        seen = self.ledger.seen
        of = (seen.running, seen.live - seen.running.keys(), seen.past)
        self.hot = [job for some in of for job in self._some(sorted(some), 3)]

    def any(self) -> Call:
        """Draw a call of any kind."""
        return self.draw.choice(self._kinds)()

    def job(self) -> dict[str, Any]:
        """Draw a job: plain, keyed, of a tenant, later, or a child of hot jobs."""
        number = self.draw.randrange(1000)
        key = self.draw.choice(("one", "two"))
        options = self.draw.choice(
            (
                {},
                {"partition_key": self.draw.choice(TENANTS)},
                {"concurrency_key": key, "concurrency_limit": KEYS[key]},
                {"concurrency_key": "two", "concurrency_limit": 2, "concurrency_weight": 2},
                {"concurrency_key": "one", "concurrency_on_conflict": "discard"},
                {
                    "concurrency_key": "line",
                    "concurrency_order": self.draw.choice(("continue", "block")),
                },
                {"delay": self.draw.choice(("1 second", "1 minute"))},
                {
                    "depends_on": self._some(self.hot, 3),
                    "on_parent_failure": self.draw.choice(("cancel", "run", "wait")),
                },
                {"batch_id": self._batch()},
                {"expires_in": "90 seconds"},
                {"task": "frail", "max_attempts": 1},
            )
        )
        return {
            "task": "work",
            "queue": self.draw.choice(QUEUES),
            "args": {"n": number},
            "max_attempts": self.draw.choice((1, 2, 5)),
            **options,
        }

    def enqueue(self) -> Call:
        """Enqueue jobs; now and then parents and their child in one call."""
        jobs = [self.job() for _ in range(self.draw.randrange(1, 4))]
        if self.draw.random() < 0.3:
            jobs = [{"task": "work", "queue": "a", "ref": name} for name in "xy"]
            jobs.append({"task": "work", "queue": "b", "depends_on": ["x", "y"]})
        return enqueue_many(*jobs)

    def enqueue_keyed(self) -> Call:
        """Enqueue jobs with unique keys, which may be taken."""
        return enqueue_many(
            *(
                {
                    "task": "work",
                    "queue": self.draw.choice(QUEUES),
                    "args": {"n": self.draw.randrange(1000)},
                    "unique_key": f"u{self.draw.randrange(4)}",
                    "on_conflict": self.draw.choice(CONFLICTS),
                    **self.draw.choice(
                        ({}, {"unique_while": "queued"}, {"unique_for": "1 minute"})
                    ),
                }
                for _ in range(self.draw.randrange(1, 4))
            )
        )

    def again(self) -> Call:
        """Enqueue a copy of a hot job, but not of what is made once."""
        if self.draw.random() < 0.2:
            return call("redrive", self._hot(), casts="bigint[]")
        options = self.draw.choice(({}, {"unique_key": f"u{self.draw.randrange(4)}"}))
        hot = [job for job in self.hot if job not in self.ledger.seen.once]
        return call("enqueue_again", self._one(hot), **options)

    def claim(self) -> Call:
        """Claim jobs of all queues, or of one."""
        queues = self.draw.choice((["*"], ["a"], ["b"], ["a", "b"]))
        worker = self.draw.choice([*self.workers, None])
        return call("claim_batch", queues, worker, self.draw.randrange(1, 8))

    def settle(self) -> Call:
        """Settle claims that are committed, in any order; now and then some that are over."""
        running = self.ledger.seen.running
        held = sorted(running.items())
        if self.draw.random() < 0.6:
            held = [(job, running[job]) for job in self.hot if job in running]
        some = self._some(held, 4) + self._some(self.ledger.over[-9:], 1)
        ids, claims = [job for job, _ in some], [claim for _, claim in some]
        how = self.draw.choice(("complete", "complete", "complete", "fail", "release", "snooze"))
        more: list[Any] = [["1 second"] * len(ids)] if how == "snooze" else []
        named = {"final": [True] * len(ids)} if how == "fail" and self.draw.random() < 0.5 else {}
        casts = "bigint[] bigint[] interval[]"
        return call(f"{how}_batch", ids, claims, *more, casts=casts, **named)

    def split(self) -> Call:
        """Let a claimed job wait for new jobs."""
        job, claim = self._one(sorted(self.ledger.seen.running.items())) or (0, 0)
        jobs = json.dumps([{"task": "work", "queue": "a"}] * self.draw.randrange(1, 3))
        return call("continue_after", job, claim, jobs, self.draw.choice(("cancel", "run", "wait")))

    def by_ids(self) -> Call:
        """Do what operators do with hot jobs."""
        function = self.draw.choice(
            ("cancel", "cancel", "retry", "retry", "discard", "run_now", "reprioritise")
        )
        more = (self.draw.randrange(-3, 4),) if function == "reprioritise" else ()
        return call(function, self._hot(), *more, casts="bigint[]")

    def keep_house(self) -> Call:
        """Do what workers do in turns."""
        function = self.draw.choice(
            (
                "rescue_lost_workers",
                "rescue_lost_workers",
                "fire_due_schedules",
                "maintain",
                "prune",
            )
        )
        return call("prune", "0 seconds") if function == "prune" else call(function)

    def promote(self) -> Call:
        """Promote what is due."""
        return call("promote_due", self.draw.choice((1, 3, 1000)))

    def limit(self) -> Call:
        """Change a limit, or how a queue is worked off."""
        key = self.draw.choice(("one", "two"))
        return self.draw.choice(
            (
                call("configure_semaphore", key, self.draw.randrange(1, 4)),
                call("configure_queue", "b", max_running=self.draw.choice((-1, 2, 4))),
                call("configure_queue", "b", fair=self.draw.random() < 0.5),
                call("release_unique_key", f"u{self.draw.randrange(4)}"),
            )
        )

    def pause(self) -> Call:
        """Pause or resume something."""
        what, name = self.draw.choice(
            (("queue", "a"), ("queue", "b"), ("semaphore", "one"), ("task", "other"))
        )
        return call(f"{self.draw.choice(('pause', 'resume'))}_{what}", name)

    def batch(self) -> Call:
        """Close a batch, or add jobs to one."""
        if self.draw.random() < 0.5:
            return call("close_batch", self._batch())
        return enqueue_many({"task": "work", "queue": "a", "batch_id": self._batch()})

    def schedule(self) -> Call:
        """Make, fire or take away a schedule."""
        name = self.draw.choice(("s", "t"))
        return self.draw.choice(
            (
                call("schedule", name, "work", every="1 second", queue="a", overlap="skip"),
                call("schedule", name, "work", every="20 seconds", queue="b"),
                call("unschedule", name),
                call("run_schedule_now", name),
                call("pause_schedule", name),
                call("resume_schedule", name),
            )
        )

    def clear(self) -> Call:
        """Clear a queue, all of it or a few."""
        queue, most = self.draw.choice(QUEUES), self.draw.choice((2, 5))
        return call("clear_queue", queue, self.draw.random() < 0.5, most)

    def worker(self) -> Call:
        """Let a worker show that it lives, or give it up."""
        worker = self._one(self.workers)
        function = self.draw.choice(("heartbeat", "report_lost_worker", "deregister_worker"))
        return call(function, worker)

    def _some(self, of: list[Any], most: int) -> list[Any]:
        if not of:
            return []
        return self.draw.sample(of, min(len(of), self.draw.randrange(1, most + 1)))

    def _hot(self) -> list[int]:
        return self._some(self.hot, 5)

    def _one(self, of: list[Any]) -> Any:
        return self.draw.choice(of) if of else None

    def _batch(self) -> int | None:
        batch: int | None = self._one(self.ledger.batches[-3:])
        return batch
