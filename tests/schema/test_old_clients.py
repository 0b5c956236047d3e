"""Clients of the protocol before work on this schema, whatever they call."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.calls import jobs as calls
from pgq.version import PROTOCOL
from tests.conftest import Connect
from tests.schema.record_calls import Sender, Step
from tests.sql.calls import enqueue, refused, register, scalar, value
from tests.worker.running import Running, running, wait_for

RECORDS = {
    int(path.stem.removeprefix("protocol_")): path
    for path in Path(__file__).parent.glob("protocol_*.jsonl")
}


def steps(protocol: int) -> list[Step]:
    return [json.loads(line) for line in RECORDS[protocol].read_text().splitlines()]


def test_this_schema_speaks_the_protocol_of_this_package(conn: psycopg.Connection) -> None:
    assert scalar(conn, "select pgq._protocol()") == PROTOCOL


def test_the_protocol_before_is_on_record() -> None:
    assert PROTOCOL - 1 in RECORDS


@pytest.mark.parametrize("protocol", [number for number in RECORDS if number >= PROTOCOL - 1])
def test_every_call_of_an_older_client_is_answered_as_ever(
    conn: psycopg.Connection, protocol: int
) -> None:
    sender = Sender(conn)
    for number, step in enumerate(steps(protocol), 1):
        assert sender.send(step) == step, f"line {number}"


def test_the_record_calls_every_function_of_that_time() -> None:
    called = {step["statement"].partition("{schema}.")[2].partition("(")[0] for step in steps(1)}
    assert {"enqueue", "claim_batch", "complete_batch", "maintain", "sync_schedules"} <= called
    assert len(called) > 55


class OldWorker:
    """Works by the statements that clients of protocol 1 send, and registers as they do."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._statements: dict[str, str] = {}
        for step in steps(1):
            name = step["statement"].partition("{schema}.")[2].partition("(")[0]
            # The last one of a name, which is the one with the most arguments.
            self._statements[name] = step["statement"].replace("{schema}", "pgq")
        (self.worker_id,) = self._call(
            "register_worker", name="old", queues=["*"], tasks=["work"], concurrency=1,
            lease="1 minute", host="there", pid=1, version="0.0.9",
        )[0]  # fmt: skip
        self.done: list[int] = []

    def turn(self) -> int:
        """Claim a job, beat, complete it; say how many that were."""
        claims = self._call(
            "claim_batch", queues=["*"], worker_id=self.worker_id, batch_size=1, tasks=["work"]
        )
        for job_id, claim_id, *_ in claims:
            held = {"ids": [job_id], "claim_ids": [claim_id]}
            beat = self._call(
                "heartbeat", worker_id=self.worker_id, backend_pid=os.getpid(), **held
            )
            assert beat == []
            assert self._call("complete_batch", results=["{}"], **held) == [(job_id, "ok")]
            self.done.append(job_id)
        return len(claims)

    def _call(self, function: str, **parameters: Any) -> list[tuple[Any, ...]]:
        statement = self._statements[function].encode()
        return self._conn.execute(statement, parameters).fetchall()


def test_an_old_worker_and_a_new_one_share_a_queue(
    dsn: str, connect: Connect, conn: psycopg.Connection
) -> None:
    registry = pgq.Registry()
    ran: Counter[int] = Counter()

    @registry.task("work", context=True)
    def work(context: pgq.Context) -> None:
        ran[context.job_id] += 1

    old = OldWorker(connect())
    ids = [enqueue(conn) for _ in range(20)]
    assert old.turn() == 1
    with running(dsn, registry, concurrency=1, prefetch=0):
        wait_for(lambda: ran, "for the new worker")
        ids += [enqueue(conn) for _ in range(200)]
        wait_for(lambda: old.turn() + len(ran) and len(ran) + len(old.done) == len(ids))
        protocols = conn.execute("select name = 'old', protocol from pgq.worker_status").fetchall()
        assert sorted(protocols) == [(False, PROTOCOL), (True, 1)]
    assert set(ran.values()) == {1}
    assert sorted([*ran, *old.done]) == ids
    ended = "select count(*) from pgq.job_history where state = 'succeeded' and attempt = 1"
    assert scalar(conn, ended) == len(ids)


@pytest.mark.parametrize("protocol", [None, PROTOCOL - 1, PROTOCOL])
def test_this_protocol_and_the_one_before_are_welcome(
    conn: psycopg.Connection, protocol: int | None
) -> None:
    worker_id = register(conn, protocol=protocol)
    kept = scalar(conn, "select protocol from pgq.worker_status where id = %s", worker_id)
    assert kept == (1 if protocol is None else protocol)


@pytest.mark.parametrize("protocol", [PROTOCOL - 2, -1, PROTOCOL + 1, 1 << 40])
def test_others_are_refused(conn: psycopg.Connection, protocol: int) -> None:
    with refused("JQ008", f"protocol {protocol}"):
        register(conn, protocol=protocol)
    assert scalar(conn, "select count(*) from pgq.workers") == 0


def move_schema_to(conn: psycopg.Connection, protocol: int) -> None:
    """Make the schema one of another time, as far as it tells clients."""
    conn.execute(
        "create or replace function pgq._protocol() returns integer language sql immutable"
        f" set search_path = pg_catalog, pg_temp as 'select {protocol}'".encode()
    )


def worked(dsn: str, conn: psycopg.Connection) -> Running:
    registry = pgq.Registry()
    registry.task("work")(lambda: None)
    enqueue(conn)
    return Running(pgq.Worker(dsn, registry=registry, drain=True))


def test_this_worker_works_on_the_next_schema(dsn: str, conn: psycopg.Connection) -> None:
    move_schema_to(conn, PROTOCOL + 1)
    worked(dsn, conn).wait()
    assert scalar(conn, "select state from pgq.all_jobs") == "succeeded"


@pytest.mark.parametrize(("protocol", "cure"), [(PROTOCOL + 2, "pip"), (PROTOCOL - 1, "migrate")])
def test_a_worker_that_does_not_fit_says_so_and_ends(
    dsn: str, conn: psycopg.Connection, protocol: int, cure: str
) -> None:
    move_schema_to(conn, protocol)
    with pytest.raises(pgq.UnsupportedClient) as caught:
        worked(dsn, conn).wait()
    assert cure in (caught.value.hint or "")
    assert scalar(conn, "select state from pgq.all_jobs") == "ready"


def test_a_worker_that_is_at_work_stays_when_the_schema_moves_on(
    dsn: str, conn: psycopg.Connection
) -> None:
    registry = pgq.Registry()
    registry.task("work")(lambda: None)
    worker = Running(pgq.Worker(dsn, registry=registry, lease=2, poll_interval=0.2))
    wait_for(lambda: scalar(conn, "select count(*) from pgq.workers"))
    move_schema_to(conn, PROTOCOL + 2)
    enqueue(conn)
    wait_for(lambda: scalar(conn, "select state from pgq.all_jobs") == "succeeded")
    # It was given up, as after a pause of the machine, so it must register again.
    value(conn, "deregister_worker", worker_id=scalar(conn, "select id from pgq.workers"))
    with pytest.raises(pgq.UnsupportedClient):
        worker.wait()


def test_columns_that_a_newer_schema_appended_are_left_out() -> None:
    rows = [(1, "ok", "more"), (2, "lost", None)]
    expected = [pgq.rows.Outcome(1, "ok"), pgq.rows.Outcome(2, "lost")]
    assert calls.complete_batch([1, 2], [3, 4]).read(rows) == expected
    assert calls.result(1).read([("ready", None, None, None, "more")]) is not None
