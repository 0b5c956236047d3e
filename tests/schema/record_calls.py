"""Write down every call that the clients of this revision send, and what comes back.

    python -m tests.schema.record_calls DSN tests/schema/protocol_N.jsonl

The DSN names a database that holds the schema and nothing else. A line of the file is a call: its
statement, its parameters, the columns of the answer, and the words in it that say what was done.
test_old_clients.py sends them to the schema as it is now. Run this at the release that brings a new
protocol, for the protocol of that release, and never change the file again.

Ids count from 1 in a fresh database. Claim ids are random: CLAIM plus the job's id stands for one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from pgq.calls import batches as flow_calls
from pgq.calls import jobs as calls
from pgq.calls import look as lookups
from pgq.calls import operate as operator_calls
from pgq.calls import schedules as schedule_calls
from pgq.calls import search as search_calls
from pgq.calls.call import Call
from pgq.jobs import NewJob
from pgq.schedules import NewSchedule

CLAIM = 700_000_000
WORDS = {"outcome", "state", "instruction", "status"}
LATER = datetime(2090, 1, 1, tzinfo=UTC)

Step = dict[str, Any]


def produce() -> Iterator[Call[Any]]:
    """Enqueue in every way. Jobs 1 to 10 are for the worker to claim, in this order."""
    for number in range(8):
        yield calls.enqueue("work", {"number": number})
    yield calls.enqueue("work", queue="default", max_attempts=5, timeout="1 hour")
    yield calls.enqueue("work", [1, 2], "default", 100, headers={"trace": "abc"})
    yield calls.enqueue(
        "send", {"to": "a"}, "mail", 5, None, "1 hour", 3, "exponential", "5 min", "2 days", "key",
        "replace", {"h": 1}, "account:1", 2, "10 min", 1, "block", None, None, "tenant", "live",
        "1 minute",
    )  # fmt: skip
    yield calls.enqueue("later", run_at=LATER)
    yield calls.enqueue("child", depends_on=[1], on_parent_failure="run", queue="flow")
    yield flow_calls.create_batch()
    yield flow_calls.create_batch(
        NewJob("won", queue="after"), NewJob("ended", queue="after"), NewJob("lost", queue="after"),
        "all of it",
    )  # fmt: skip
    yield calls.enqueue("part", batch_id=2, queue="parts")
    parent = NewJob("parent", {"a": 1}, queue="flow", priority=1, delay="1 hour")
    yield calls.enqueue_many([parent, NewJob("other", queue="flow").after(parent)])
    yield flow_calls.close_batch(1)
    yield flow_calls.batch_progress(2)
    yield calls.result(1)


def work() -> Iterator[Call[Any]]:
    """Register, claim, settle in every way, and leave; jobs 1 to 10."""
    yield calls.register_worker("old", ["*"])
    yield calls.register_worker("old", ["default", "m*"], ["work"], 4, "30 s", "host", 9, "0.1.0")
    yield calls.claim_batch(["default"])
    yield calls.claim_batch(["default"], 2, 9, ["work"], [1])
    yield calls.heartbeat(1)
    yield calls.heartbeat(2, [1, 2], [CLAIM + 1, CLAIM + 2], 1)
    yield calls.set_progress(2, CLAIM + 2, {"percent": 10})
    yield operator_calls.cancel([3])
    yield calls.heartbeat(2, [3], [CLAIM + 3])
    yield calls.complete_batch([1], [CLAIM + 1])
    yield calls.complete_batch([2], [CLAIM + 2], [{"done": True}])
    yield calls.complete_batch([2], [CLAIM + 2], [{"done": True}])
    yield calls.complete_batch([5], [1])
    yield calls.fail_batch([4], [CLAIM + 4])
    yield calls.fail_batch(
        [5, 6, 7], [CLAIM + 5, CLAIM + 6, CLAIM + 7], ["a", "b", "c"], ["E", "E", "E"],
        ["t", None, None], [True, None, None], [None, "1 min", None], [None, None, True],
    )  # fmt: skip
    yield calls.snooze_batch([8], [CLAIM + 8], ["1 min"])
    yield calls.release_batch([9], [CLAIM + 9])
    yield calls.promote_due()
    yield calls.promote_due(10)
    yield calls.rescue_lost_workers()
    yield calls.rescue_lost_workers(10)
    yield calls.maintain()
    yield calls.version()
    yield flow_calls.results([1, 2, 5])
    yield flow_calls.parent_results(13)
    yield flow_calls.await_jobs([9])
    yield flow_calls.await_jobs([9], "1 min")
    yield calls.deregister_worker(1)


def operate() -> Iterator[Call[Any]]:
    """Everything that an operator may do."""
    yield operator_calls.retry([5])
    yield operator_calls.redrive([5])
    yield operator_calls.retry([6], LATER)
    yield operator_calls.discard([7])
    yield operator_calls.reprioritise([9], 7)
    yield search_calls.find_jobs()
    yield search_calls.find_jobs(
        "mail", "send", ["scheduled"], "key", "account:1", "tenant", headers={"h": 1},
        created_before=LATER, max_jobs=10, after_id=1,
    )  # fmt: skip
    yield search_calls.find_jobs(batch_id=2, error_type="E")
    yield search_calls.list_jobs()
    yield search_calls.list_jobs(
        queue="default", task="work", states=["ready"], page_size=5, details=True
    )
    yield search_calls.estimate_jobs(states=["failed"])
    yield operator_calls.pause_queue("idle")
    yield operator_calls.pause_queue("idle", "1 min")
    yield operator_calls.resume_queue("idle")
    yield operator_calls.configure_queue("mail")
    yield operator_calls.configure_queue("mail", "linear", 5, 10, "1 s", 20, False, False)
    yield operator_calls.clear_queue("gone")
    yield operator_calls.clear_queue("gone", True, 10)
    yield operator_calls.order_worker(2, "pause")
    yield operator_calls.order_worker(2, "resume")
    yield operator_calls.configure()
    yield operator_calls.configure(2_000_000, "20 days", True)
    yield operator_calls.prune()
    yield operator_calls.prune("30 days")
    yield operator_calls.verify()
    yield operator_calls.configure_semaphore("account:1", 3)
    yield operator_calls.configure_semaphore("account:1", None)
    yield operator_calls.release_semaphore("account:1")
    yield operator_calls.unique_key_owner("key")
    yield operator_calls.release_unique_key("key")


def plan() -> Iterator[Call[Any]]:
    """Everything about schedules."""
    yield schedule_calls.schedule("nightly", "report", "0 3 * * *")
    yield schedule_calls.schedule(
        "hourly", "report", None, "1 hour", {"a": 1}, "reports", 5, None, "all", "skip", 3,
        "constant", "5 min", "1 hour", {"h": 1}, LATER, "2 hours", "for people",
    )  # fmt: skip
    yield schedule_calls.pause_schedule("nightly")
    yield schedule_calls.resume_schedule("nightly")
    yield schedule_calls.run_schedule_now("nightly")
    yield schedule_calls.fire_due_schedules()
    yield schedule_calls.fire_due_schedules(10)
    yield schedule_calls.sync_schedules("code", [NewSchedule("daily", "report", cron="@daily")])
    yield schedule_calls.sync_schedules("code", [])
    yield schedule_calls.unschedule("hourly")
    yield schedule_calls.cron_next("0 3 * * *")
    yield schedule_calls.cron_next("0 3 * * *", LATER, "UTC")
    yield schedule_calls.cron_preview("0 3 * * *")
    yield schedule_calls.cron_preview("0 3 * * *", 2, LATER, "UTC")


def look() -> Iterator[Call[Any]]:
    """Read every view."""
    yield lookups.job(1)
    yield lookups.failed_jobs()
    yield lookups.queue_stats()
    yield lookups.worker_status()
    yield lookups.schedule_status()
    yield lookups.schedule_status("nightly")
    yield lookups.schedule_history("nightly")
    yield lookups.blocked_jobs()
    yield lookups.job_links(13)
    yield lookups.semaphore_status()
    yield lookups.queue_limits()
    yield lookups.batch_status()


class Sender:
    """Sends recorded calls in their order, with the claim ids of this time."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._claims: dict[str, str] = {}

    def send(self, step: Step, schema: str = "pgq") -> Step:
        """Send a call; return it with the answer that it gets now."""
        for job_id, claim_id in self._conn.execute("select job_id, claim_id from pgq.running"):
            self._claims[str(CLAIM + job_id)] = str(claim_id)
        given = json.dumps(step["parameters"])
        given = re.sub(r"\b7000000\d\d\b", lambda m: self._claims.get(m[0], m[0]), given)
        statement = step["statement"].replace("{schema}", schema).encode()
        cursor = self._conn.execute(statement, json.loads(given))
        columns = [
            [each.name, type_name(self._conn, each.type_code)] for each in cursor.description or ()
        ]
        answer = cursor.fetchall()
        words = [
            [row[place] for place, (name, _) in enumerate(columns) if name in WORDS]
            for row in answer
        ]
        return {**step, "columns": columns, "words": [said for said in words if said]}


def type_name(conn: psycopg.Connection, oid: int) -> str:
    """Return what the type of a column is called."""
    row = conn.execute("select format_type(%s::oid, null)", (oid,)).fetchone()
    return str(row[0]) if row else ""


def main(dsn: str, file: str) -> None:
    """Send all calls, and write them to the file."""
    with psycopg.connect(dsn, autocommit=True) as conn, Path(file).open("w") as out:
        sender = Sender(conn)
        for part in (produce, work, operate, plan, look):
            for call in part():
                step = {"statement": call.template, "parameters": call.parameters}
                out.write(json.dumps(sender.send(step)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
