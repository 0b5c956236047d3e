"""Events of jobs that other processes ran, from the database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import psycopg

from pgq.contrib.asyncmq import Queue, event_emitter
from tests.servers import Travel
from tests.sql.calls import claim, claim_one, complete, enqueue, fail, register, rows
from tests.sql.statistics.counting import fold

NAMES = ("completed", "failed", "cancelled", "expired", "retried", "stalled")


def test_what_others_do_is_emitted(conn: psycopg.Connection, queue: Queue, travel: Travel) -> None:
    def act() -> dict[str, int]:
        def run(**options: Any) -> Any:
            enqueue(conn, "t", queue="work", **options)
            return claim_one(conn)

        done, bad, again = run(), run(max_attempts=1), run(backoff="1h")
        complete(conn, done)
        fail(conn, bad, messages=["no"])
        fail(conn, again)
        gone = enqueue(conn, "t", queue="work")
        rows(conn, "cancel", ids=[gone])
        late = enqueue(conn, "t", queue="work", expires_in="1 second")
        travel("2 seconds")
        rows(conn, "maintain")
        worker_id = register(conn)
        lost = enqueue(conn, "t", queue="work")
        claim(conn, worker_id=worker_id)
        rows(conn, "report_lost_worker", worker_id=worker_id)
        enqueue(conn, "t", queue="other")
        complete(conn, claim_one(conn))
        fold(conn)
        return {
            "completed": done.job_id, "failed": bad.job_id, "retried": again.job_id,
            "cancelled": gone, "expired": late, "stalled": lost,
        }  # fmt: skip

    async def follow() -> dict[str, int]:
        begun, over = asyncio.Event(), asyncio.Event()

        async def begins(_: Any) -> None:
            begun.set()

        async def ends(_: Any) -> None:
            over.set()

        event_emitter.on("job:completed", begins)
        event_emitter.on("job:stalled", ends)
        following = asyncio.create_task(queue.follow())
        try:
            async with asyncio.timeout(60):
                # No event tells of a job that ended before anybody followed.
                while not begun.is_set():
                    await asyncio.to_thread(one_more, conn)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(begun.wait(), 0.5)
                expected = await asyncio.to_thread(act)
                await over.wait()
        finally:
            event_emitter.off("job:completed", begins)
            event_emitter.off("job:stalled", ends)
            following.cancel()
            await queue.close()
        return expected

    expected = asyncio.run(follow())
    heard = {
        name: [each["data"] for each in event_emitter.list_history(event=f"job:{name}")]
        for name in NAMES
    }
    assert {name: [data["id"] for data in heard[name] if data["id"] == job_id]
            for name, job_id in expected.items()} == {
        name: [job_id] for name, job_id in expected.items()
    }  # fmt: skip
    assert {data["queue"] for found in heard.values() for data in found} == {"work"}
    (failed,) = heard["failed"]
    assert (failed["task"], failed["status"], failed["last_error"]) == ("t", "failed", "no")


def one_more(conn: psycopg.Connection) -> None:
    enqueue(conn, "t", queue="work")
    complete(conn, claim_one(conn))
    fold(conn)
