"""Rules that enqueue."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis.stateful import precondition, rule

from tests.property import strategies
from tests.property.machine import Machine
from tests.property.strategies import flows, followers, options, queues, small
from tests.property.things import WAITING, Batch, Options, Semaphore
from tests.sql.calls import rows, value


class Producing(Machine):
    """Jobs, flows and batches."""

    def enqueued(self, job_id: int | None, wanted: Options) -> bool:
        created = self.model.add(job_id, wanted)
        if created and job_id is not None:
            self.known.append(job_id)
        return created

    def error_of(self, wanted: Options) -> str | None:
        """Return the SQLSTATE with which an enqueue is refused."""
        batch = self.model.batches.get(wanted.batch or 0)
        if batch and batch.succeeded is not None:
            return "JQ001"
        owner_id = self.model.owner_id(wanted.unique_key)
        if owner_id is None or wanted.on_conflict not in ("raise", "merge"):
            return None
        owner = self.model.jobs.get(owner_id)
        if wanted.on_conflict == "raise" or owner is None or owner.state not in WAITING:
            return "JQ003"
        return "JQ001" if owner.task != wanted.task else None

    def call_enqueue(self, wanted: Options) -> int | None:
        arguments = self.arguments(wanted)
        headers = arguments.pop("headers")
        arguments["args"] = json.dumps(arguments["args"])
        job_id: int | None = value(
            self.conn, "enqueue", **arguments, headers=headers and json.dumps(headers)
        )
        return job_id

    @rule(wanted=options)
    def enqueue(self, wanted: Options) -> None:
        self.step()
        wanted = self.with_batch(self.with_parents(wanted))
        if error := self.error_of(wanted):
            with pytest.raises(psycopg.Error) as caught:
                self.call_enqueue(wanted)
            assert caught.value.sqlstate == error
        else:
            self.enqueued(self.call_enqueue(wanted), wanted)

    @rule(task=strategies.tasks, many=small)
    def enqueue_plain(self, task: str, many: int) -> None:
        """Jobs without options go a way of their own; their queue says how a failure is retried."""
        for _ in range(many % 3):
            self.step()
            job_id = value(self.conn, "enqueue", task=task, queue=strategies.FAIR)
            wanted = Options(
                queue=strategies.FAIR, task=task, max_attempts=strategies.DEFAULT_ATTEMPTS
            )
            if task == "y":
                wanted = replace(wanted, priority=1, max_attempts=2)
            assert self.enqueued(job_id, wanted)

    @rule(many=strategies.many)
    def enqueue_many(self, many: list[Options]) -> None:
        self.step()
        many = [self.with_batch(self.with_parents(wanted)) for wanted in many]
        jobs = json.dumps([self.arguments(wanted) for wanted in many])
        if any(self.error_of(wanted) == "JQ001" for wanted in many):
            with pytest.raises(psycopg.Error) as caught:
                rows(self.conn, "enqueue_many", jobs=jobs)
            assert caught.value.sqlstate == "JQ001"
            return
        answers = rows(self.conn, "enqueue_many", jobs=jobs)
        assert len(answers) == len(many)
        in_order = sorted(
            zip(many, answers, strict=True), key=lambda pair: pair[0].unique_key or ""
        )
        for wanted, answer in in_order:
            assert self.enqueued(answer["id"], wanted) == answer["created"]

    @rule(wanted=options, queue=queues)
    def publish(self, wanted: Options, queue: str) -> None:
        """A job for each of two subscriptions, and none for a third, whose filter does not fit."""
        self.step()
        on_conflict = wanted.on_conflict if wanted.on_conflict not in ("raise", "merge") else None
        wanted = replace(wanted, on_conflict=on_conflict, items=())
        wanted = self.with_batch(self.with_parents(wanted))
        subscribed = {"p.* one": wanted, "p.q two": replace(wanted, task="y", queue=queue)}
        lasting = json.dumps({"max_attempts": 1, "priority": 7, "delay": "9 seconds"})
        for place, job in subscribed.items():
            topic, name = place.split()
            about = {"task": job.task, "queue": job.queue, "options": lasting}
            value(self.conn, "subscribe", topic=topic, name=name, **about)
        value(self.conn, "subscribe", topic="p.q", task="x", name="three", filter='{"no": 1}')
        given = self.arguments(replace(wanted, task="x"))
        del given["task"], given["queue"], given["args"]
        published = {"topic": "p.q", "options": json.dumps(given)}
        if self.error_of(wanted):
            with pytest.raises(psycopg.Error) as caught:
                rows(self.conn, "publish", **published)
            assert caught.value.sqlstate == "JQ001"
            return
        answers = rows(self.conn, "publish", **published)
        assert [answer["subscription"] for answer in answers] == ["one", "two"]
        for (place, job), answer in zip(subscribed.items(), answers, strict=True):
            key = job.unique_key and f"topic:p.q {place} {job.unique_key}"
            made = self.enqueued(answer["id"], replace(job, unique_key=key))
            assert made == answer["created"]

    @rule(flow=flows)
    def enqueue_flow(self, flow: list[Options]) -> None:
        """Jobs that name each other as parents, in one call."""
        self.step()
        jobs, flow = [], [self.with_batch(wanted) for wanted in flow]
        if any(self.error_of(wanted) for wanted in flow):
            return
        for place, wanted in enumerate(flow):
            named = [f"ref {parent}" for parent in wanted.parents if parent < place]
            arguments = self.arguments(replace(wanted, parents=()))
            how = wanted.on_parent_failure if named else None
            jobs.append({
                **arguments, "ref": f"ref {place}", "depends_on": named, "on_parent_failure": how
            })  # fmt: skip
        ids = [row["id"] for row in rows(self.conn, "enqueue_many", jobs=json.dumps(jobs))]
        for place, (job_id, wanted) in enumerate(zip(ids, flow, strict=True)):
            parents = tuple(ids[parent] for parent in wanted.parents if parent < place)
            assert self.enqueued(job_id, replace(wanted, parents=parents))

    @rule(key=strategies.keys, queue=queues)
    def crowd_a_semaphore(self, key: str, queue: str) -> None:
        for weight in (1, 2, 1):
            self.enqueue(wanted=Options(queue=queue, semaphore=Semaphore(key, 2, weight)))

    @rule(orders=st.lists(strategies.orders, min_size=3, max_size=3), delay=small, queue=queues)
    def line_up(self, orders: list[Semaphore], delay: int, queue: str) -> None:
        """Several jobs in strict order, of which the first may have to wait for its time."""
        for order in orders:
            wanted = Options(queue=queue, semaphore=order, delay=delay, max_attempts=2)
            self.enqueue(wanted=wanted)
            delay = 0

    @precondition(lambda self: self.known)
    @rule(place=small, other=st.none() | options)
    def enqueue_again(self, place: int, other: Options | None) -> None:
        """Enqueue a job like another, of any state, as it was or with what is given instead."""
        self.step()
        (job_id,) = self.pick(self.known, [place])
        call: dict[str, Any] = {"job_id": job_id}
        wanted = self.model.like(job_id)
        if wanted and wanted.max_attempts == strategies.DEFAULT_ATTEMPTS:
            # It is enqueued without options, and the model knows its backoff only in its own queue.
            other = other and replace(other, queue=wanted.queue)
        if other:
            call |= {
                "queue": other.queue,
                "priority": other.priority,
                "delay": f"{other.delay} seconds",
                "unique_key": other.unique_key,
            }
        if wanted is None:
            with pytest.raises(psycopg.Error) as caught:
                value(self.conn, "enqueue_again", **call)
            assert caught.value.sqlstate == "JQ002"
            return
        if other:
            wanted = replace(
                wanted,
                queue=other.queue,
                priority=other.priority,
                delay=other.delay,
                unique_key=other.unique_key,
            )
        self.enqueued(value(self.conn, "enqueue_again", **call), wanted)

    # Batches

    @rule(success=followers, failure=followers, finish=followers)
    def create_batch(
        self, success: Options | None, failure: Options | None, finish: Options | None
    ) -> None:
        given = {"on_success": success, "on_failure": failure, "on_finish": finish}
        tasks = {"on_success": "x", "on_failure": "y", "on_finish": "z"}
        named = {
            name: replace(wanted, task=tasks[name]) for name, wanted in given.items() if wanted
        }
        texts = {name: json.dumps(self.arguments(wanted)) for name, wanted in named.items()}
        batch_id = value(self.conn, "create_batch", **texts)
        self.model.batches[batch_id] = Batch(batch_id, named)

    @precondition(lambda self: self.model.batches)
    @rule(place=small)
    def close_batch(self, place: int) -> None:
        self.step()
        (batch_id,) = self.pick(list(self.model.batches), [place])
        batch = self.model.batches[batch_id]
        assert value(self.conn, "close_batch", batch_id=batch_id) != batch.is_closed
        batch.is_closed = True
        self.follow()

    @rule(success=followers, failure=followers, jobs=strategies.many, finish=followers)
    def run_a_batch(
        self,
        jobs: list[Options],
        success: Options | None,
        failure: Options | None,
        finish: Options | None,
    ) -> None:
        """A batch that is closed as soon as its jobs are there."""
        self.create_batch(success=success, failure=failure, finish=finish)
        self.enqueue_many(many=[replace(wanted, batch=0) for wanted in jobs])
        self.close_batch(place=0)

    @rule(key=strategies.UNIQUE)
    def release_unique_key(self, key: str) -> None:
        released = value(self.conn, "release_unique_key", unique_key=key)
        assert released == self.model.release_unique_key(key)

    @rule(wanted=options, again=options, seconds=small)
    def throttle(self, wanted: Options, again: Options, seconds: int) -> None:
        """A key that outlives its job, or goes with its start."""
        first = replace(wanted, unique_key="k", parents=(), delay=0, semaphore=None)
        self.enqueue(wanted=replace(first, unique_for=wanted.unique_for or 3))
        self.finish_newest(wanted.queue)
        self.set_clock(seconds)
        self.enqueue(wanted=replace(again, unique_key="k"))

    def finish_newest(self, queue: str) -> None:
        """Take what a queue has, and end it."""
        raise NotImplementedError

    def key_of(self, job_id: int) -> str | None:
        job = self.model.jobs.get(job_id)
        return job.unique_key if job else None
