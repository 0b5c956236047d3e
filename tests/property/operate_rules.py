"""Rules of operators, and of what happens by itself."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from tests.property.consume_rules import Consuming
from tests.property.machine import EPOCH
from tests.property.strategies import (
    CHANGES,
    filters,
    keys,
    queues,
    rates,
    selections,
    sizes,
    small,
    tasks,
    waiting_or_ended,
)
from tests.property.things import WAITING, Options, Rate, Semaphore
from tests.sql.calls import refused, rows, scalar, value

RESTORE = """
    update pgq.ready set ready_xid = (4000000000 + ready_xid::text::bigint)::text::xid8;
    update pgq.blocked set waiting_xid = (4000000000 + waiting_xid::text::bigint)::text::xid8
    where waiting_xid <> '1'
"""


# What each bulk operation can change.
BULK_STATES = {
    "cancel": [*WAITING, "running"],
    "retry": [*WAITING, "failed", "cancelled", "expired"],
    "discard": [*WAITING, "failed", "cancelled", "expired", "succeeded"],
    "reprioritise": [*WAITING],
    "run_now": ["scheduled"],
}


class Operating(Consuming):
    """Promotion, upkeep, limits, and changes by hand."""

    @rule(size=st.integers(1, 5))
    def promote(self, size: int) -> None:
        self.promote_some(size)

    @rule(size=st.integers(2, 5))
    def drain(self, size: int) -> None:
        self.come_to_rest(size)

    @precondition(lambda self: self.known)
    @rule(
        function=st.sampled_from(CHANGES),
        places=st.lists(small, min_size=1, max_size=3),
        delay=st.sampled_from([0, 0, 5]),
        rest=st.booleans(),
        states=st.none() | waiting_or_ended,
    )
    def operate(
        self, function: str, places: list[int], delay: int, rest: bool, states: list[str] | None
    ) -> None:
        """Change jobs, mostly in the middle of a promotion, or else when it has come to rest."""
        if rest:
            self.come_to_rest(size=5)
        self.operate_on(function, sorted(self.pick(self.known, places)), delay, states)
        if rest:
            self.come_to_rest(size=5)

    @rule(key=keys, function=st.sampled_from(["cancel", "discard", "reprioritise"]))
    def stand_in_the_way(self, key: str, function: str) -> None:
        """Another fits as soon as a heavy waiter, which nobody may overtake, has gone."""
        for weight in (1, 2, 1):
            self.enqueue(wanted=Options(queue="b", semaphore=Semaphore(key, 2, weight)))
        self.come_to_rest(size=5)
        self.operate_on(function, [self.known[-2]], delay=5)
        self.come_to_rest(size=5)

    @precondition(lambda self: self.known)
    @rule(places=st.lists(small, min_size=1, max_size=3))
    def run_now(self, places: list[int]) -> None:
        self.step()
        chosen = sorted(self.pick(self.known, places))
        expected = {one: self.model.run_now(one) for one in chosen}
        answers = rows(self.conn, "run_now", ids=chosen)
        assert {row["job_id"]: row["outcome"] for row in answers} == expected

    def operate_on(
        self, function: str, chosen: list[int], delay: int, states: list[str] | None = None
    ) -> None:
        """Change jobs; only retry and discard look at their states."""
        self.step()
        call: dict[str, Any] = {"ids": chosen}
        if function in ("retry", "discard"):
            call["states"] = states
        if function == "retry":
            at = f"select pgq._now() + {delay} * interval '1 second'"
            call["at"] = scalar(self.conn, at)
            expected = self.model.retry(chosen, delay, states)
        elif function == "reprioritise":
            call["priority"] = delay - 1
            expected = {one: self.model.reprioritise(one, delay - 1) for one in chosen}
        elif function == "discard":
            expected = {one: self.model.discard(one, states) for one in chosen}
        else:
            expected = {one: self.model.cancel(one) for one in chosen}
        answers = rows(self.conn, function, **call)
        assert {row["job_id"]: row["outcome"] for row in answers} == expected

    @rule(
        function=st.sampled_from(CHANGES),
        asked=filters,
        batch=st.sampled_from([None, None, 0]),
        page=st.integers(1, 3),
        states=st.none() | waiting_or_ended,
    )
    def operate_by_filter(
        self,
        function: str,
        asked: dict[str, Any],
        batch: int | None,
        page: int,
        states: list[str] | None,
    ) -> None:
        """Find jobs page by page, as they are, and change what was found."""
        wanted, call = self.filters_of(asked, batch)
        found: list[int] = []
        while more := self.find(**call, max_jobs=page, after_id=found[-1] if found else 0):
            assert len(more) <= page
            found += more
        assert found == self.model.find(**wanted)
        assert self.listed(page, **call) == found[::-1]
        (estimate,) = rows(self.conn, "estimate_jobs", **call)
        assert (estimate["jobs"], estimate["exact"]) == (len(found), True)
        if found:
            self.operate_on(function, found, delay=0, states=states)

    def filters_of(
        self, asked: dict[str, Any], batch: int | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return filters as the model has them, and as the functions do."""
        wanted, call = dict(asked), dict(asked)
        if batch is not None and self.model.batches:
            wanted["batch_id"] = call["batch_id"] = self.pick(list(self.model.batches), [batch])[0]
        if "tag" in call:
            call["headers"] = json.dumps({"tag": call.pop("tag")})
        if "created_before" in call:
            at = f"select {EPOCH} + %s * interval '1 second'"
            call["created_before"] = scalar(self.conn, at, call["created_before"])
        return wanted, call

    @rule(
        action=st.sampled_from([*CHANGES, "run_now"]),
        asked=filters,
        batch=st.sampled_from([None, None, 0]),
        page=st.integers(1, 4),
        states=st.none() | waiting_or_ended,
    )
    def operate_in_bulk(
        self,
        action: str,
        asked: dict[str, Any],
        batch: int | None,
        page: int,
        states: list[str] | None,
    ) -> None:
        """A page does what its jobs would be told one call later, and each page comes once."""
        self.step()
        wanted, call = self.filters_of({**asked, "states": []}, batch)
        can = BULK_STATES[action]
        wanted["states"] = [each for each in states or () if each in can] or (
            ["failed"] if action in ("retry", "discard") else can
        )
        call |= {"states": wanted["states"], "action": action, "starts_in": "0"}
        if action == "reprioritise":
            call["priority"] = 2
        (started,) = rows(self.conn, "bulk_start", **call)
        assert (started["jobs"], started["is_exact"]) == (len(self.model.find(**wanted)), True)
        expected: Counter[str] = Counter()
        last = 0
        while True:
            found = [one for one in self.model.find(**wanted) if one > last][:page]
            if action == "retry":
                expected.update(self.model.retry(found, 0, wanted["states"]).values())
            elif action == "reprioritise":
                expected.update(self.model.reprioritise(one, 2) for one in found)
            else:
                expected.update(getattr(self.model, action)(one) for one in found)
            done = value(self.conn, "bulk_work", operation_id=started["id"], max_jobs=page)
            assert (done or 0) == len(found)
            if len(found) < page:
                break
            last = found[-1]
        (ended,) = rows(self.conn, "bulk_status", operation_id=started["id"])
        assert (ended["status"], ended["outcomes"]) == ("finished", dict(expected))

    def listed(self, size: int, **call: Any) -> list[int]:
        """List jobs, the newest first, in pages that look at few of them."""
        ids: list[int] = []
        before: int | None = None
        while True:
            page = rows(
                self.conn, "list_jobs", **call, before_id=before, page_size=size,
                max_looked_at=2 * size,
            )  # fmt: skip
            ids += [row["id"] for row in page if row["id"] is not None]
            before = page[-1]["looked_to"] if page else None
            if before is None:
                return ids

    def find(self, **call: Any) -> list[int]:
        return [row["find_jobs"] for row in rows(self.conn, "find_jobs", **call)]

    @rule(queue=queues, seconds=st.sampled_from([None, 2]))
    def pause(self, queue: str, seconds: int | None) -> None:
        duration = seconds and f"{seconds} seconds"
        value(self.conn, "pause_queue", queue=queue, duration=duration)
        self.model.paused[queue] = seconds and self.model.now + seconds

    @rule(queue=queues)
    def resume(self, queue: str) -> None:
        value(self.conn, "resume_queue", queue=queue)
        self.model.paused.pop(queue, None)

    @rule(task=tasks, seconds=st.sampled_from([None, 2]))
    def pause_task(self, task: str, seconds: int | None) -> None:
        duration = seconds and f"{seconds} seconds"
        value(self.conn, "pause_task", task=task, duration=duration)
        self.model.paused_tasks[task] = seconds and self.model.now + seconds

    @rule(task=tasks)
    def resume_task(self, task: str) -> None:
        value(self.conn, "resume_task", task=task)
        self.model.paused_tasks.pop(task, None)

    @rule(queue=queues, key=st.sampled_from(["s", "t"]), seconds=st.sampled_from([None, 2]))
    def pause_partition(self, queue: str, key: str, seconds: int | None) -> None:
        duration = seconds and f"{seconds} seconds"
        call = {"queue": queue, "partition_key": key, "duration": duration}
        if self.model.in_turn(queue):
            value(self.conn, "pause_queue", **call)
            self.model.paused_keys[queue, key] = seconds and self.model.now + seconds
        else:
            with refused("JQ002", "in turn"):
                value(self.conn, "pause_queue", **call)

    @rule(queue=queues, key=st.sampled_from(["s", "t"]))
    def resume_partition(self, queue: str, key: str) -> None:
        value(self.conn, "resume_queue", queue=queue, partition_key=key)
        self.model.paused_keys.pop((queue, key), None)

    @rule(key=keys)
    def pause_semaphore(self, key: str) -> None:
        value(self.conn, "pause_semaphore", concurrency_key=key)
        self.model.stopped.add(key)

    @rule(key=keys)
    def resume_semaphore(self, key: str) -> None:
        resumed = value(self.conn, "resume_semaphore", concurrency_key=key)
        assert resumed == (key in self.model.stopped)
        self.model.stopped.discard(key)

    @rule(queue=queues, include_scheduled=st.booleans())
    def clear(self, queue: str, include_scheduled: bool) -> None:
        cleared = value(self.conn, "clear_queue", queue=queue, include_scheduled=include_scheduled)
        assert cleared == self.model.clear(queue, include_scheduled)

    @rule(queue=queues, is_kept=st.booleans(), selectors=selections, many=st.integers(0, 2))
    def keep_no_success(self, queue: str, is_kept: bool, selectors: list[str], many: int) -> None:
        """Jobs that succeed leave no row, unless somebody needs it."""
        given: dict[str, Any] = {"reset": ["all"]} if is_kept else {"succeeded": "0"}
        value(self.conn, "configure_retention", queue=queue, **given)
        self.model.keeps_none.discard(queue)
        if not is_kept:
            self.model.keeps_none.add(queue)
        for _ in range(many):
            self.enqueue(wanted=Options(queue=queue))
        self.claim(selectors=selectors, size=2, tasks=None, worker=None)
        if self.claims:
            self.settle_claims("complete", self.claims[-2:], delay=0, end="none")

    @rule(queue=queues, most=st.sampled_from([-1, 0, 1, 2]))
    def limit_queue(self, queue: str, most: int) -> None:
        value(self.conn, "configure_queue", queue=queue, max_running=most)
        self.model.max_running[queue] = most
        if most == -1:
            del self.model.max_running[queue]

    @rule(queue=queues, fair=st.booleans(), selectors=selections)
    def serve_in_turn(self, queue: str, fair: bool, selectors: list[str]) -> None:
        """Jobs that are ready get a key, and keep it when the queue is not fair any more."""
        value(self.conn, "configure_queue", queue=queue, fair=fair)
        self.model.fair.discard(queue)
        if fair:
            self.model.fair.add(queue)
        self.claim(selectors=selectors, size=2, tasks=None, worker=None)

    @rule(many=st.integers(0, 2), queue=queues, selectors=selections, sizes=st.tuples(sizes, sizes))
    def restore(self, many: int, queue: str, selectors: list[str], sizes: tuple[int, int]) -> None:
        """Ready jobs come from a dump of a server with higher ids; claims before and after."""
        self.conn.execute(RESTORE.encode())
        self.model.restore()
        for _ in range(many):
            self.enqueue(wanted=Options(queue=queue))
        self.claim(selectors=selectors, size=sizes[0], tasks=None, worker=None)
        self.step()
        self.conn.execute("select pgq._restamp_restored_jobs(10000)")
        self.model.stamp()
        self.claim(selectors=selectors, size=sizes[1], tasks=None, worker=None)

    @rule(
        how=st.sampled_from(["wait", "wait", "run", "cancel"]), seconds=st.sampled_from([0, 43200])
    )
    def prune(self, how: str, seconds: int) -> None:
        """What failed goes with the history, and what waits for its retry with it."""
        self.enqueue(wanted=Options(queue="b", task="p"))
        self.enqueue(wanted=Options(queue="b", parents=(0,), on_parent_failure=how))
        self.claim(selectors=["b"], size=4, tasks=["p"], worker=None)
        if self.claims:
            self.settle_claims("fail", self.claims[-1:], delay=0, end="final")
        self.promote_some(size=2)
        self.set_clock(seconds)
        value(self.conn, "prune", older_than="0")
        self.model.prune()
        self.come_to_rest(size=3)

    @rule(queue=queues, rate=rates)
    def limit_rate(self, queue: str, rate: Rate | None) -> None:
        self.model.rates.pop(queue, None)
        if rate is not None:
            self.model.rates[queue] = rate
        value(
            self.conn,
            "configure_queue",
            queue=queue,
            rate_limit=rate.limit if rate else -1,
            rate_interval=f"{rate.interval} seconds" if rate else None,
            rate_burst=rate.burst if rate and rate.burst else -1,
            rate_per_key=rate is not None and rate.per_key,
        )

    @rule(queue=queues, rate=rates, seconds=st.integers(0, 3), selectors=selections)
    def use_tokens_up(
        self, queue: str, rate: Rate | None, seconds: int, selectors: list[str]
    ) -> None:
        """More claims than there are tokens, and more when some have come."""
        self.limit_rate(queue=queue, rate=rate)
        for tenant in ("s", "s", "t", None):
            self.enqueue(wanted=Options(queue=queue, partition_key=tenant))
        self.claim(selectors=[queue], size=3, tasks=None, worker=None)
        self.set_clock(seconds)
        self.claim(selectors=selectors, size=4, tasks=None, worker=None)

    @rule(queue=queues, most=st.integers(0, 2))
    def crowd(self, queue: str, most: int) -> None:
        """More claims than a queue may have running."""
        self.limit_queue(queue=queue, most=most)
        for _ in range(2):
            self.enqueue(wanted=Options(queue=queue))
            self.claim(selectors=[queue], size=2, tasks=None, worker=None)

    @rule(key=keys, most=st.sampled_from([None, None, 0, 1, 3]))
    def configure_semaphore(self, key: str, most: int | None) -> None:
        value(self.conn, "configure_semaphore", concurrency_key=key, max_slots=most)
        self.model.configured.pop(key, None)
        if most is not None:
            self.model.configured[key] = most

    @rule(key=keys)
    def release_semaphore(self, key: str) -> None:
        released = value(self.conn, "release_semaphore", concurrency_key=key)
        assert released == self.model.release_semaphore(key)

    @precondition(lambda self: self.worker_ids)
    @rule(worker=small, instruction=st.sampled_from(["pause", "stop", "resume", "resume"]))
    def order(self, worker: int, instruction: str) -> None:
        (worker_id,) = self.pick(self.worker_ids, [worker])
        known = self.model.workers.get(worker_id)
        told = value(self.conn, "order_worker", worker_id=worker_id, instruction=instruction)
        assert told == (known is not None)
        if known:
            known.order = None if instruction == "resume" else instruction

    @rule()
    def maintain(self) -> None:
        self.step()
        self.conn.execute(
            "update pgq.maintenance set due_at = '-infinity' where step <> 'partition'"
        )
        rows(self.conn, "maintain")
        self.model.maintain()
        self.follow_failures()
