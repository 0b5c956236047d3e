"""What a type checker must know of the public API. Checked, never run.

    mypy --strict tests/typing/api.py

Every ignored error must be one: an ignore that is not needed is an error itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_type

import psycopg

import pgq


@pgq.task
async def send(user_id: int, *, subject: str = "") -> dict[str, int]:
    return {"user_id": user_id}


@pgq.task("resize", queue="images", timeout=timedelta(minutes=1), backoff=["1s", 5], context=True)
def resize(context: pgq.Context, path: str) -> str:
    with context.transaction() as connection:
        assert_type(connection, psycopg.Connection[Any])
    context.progress({"percent": 50})
    return path


@pgq.task("nap", context=True)
async def nap(context: pgq.Context) -> int:
    async with context.transaction() as connection:
        assert_type(connection, psycopg.AsyncConnection[Any])
    if context.cancelled:
        context.snooze(timedelta(minutes=1))
    return context.attempt


@pgq.task(retry_on=(ConnectionError, pgq.Retry), no_retry_on=pgq.JobTimeout, context=True)
async def picky(context: pgq.Context, path: str) -> None:
    if not path:
        context.cancel_job("nothing to do")
    raise pgq.Cancel("of no use")


@pgq.task(queue="default", context=False)
def plain(*numbers: int) -> int:
    return sum(numbers)


assert_type(send.job(1, subject="x"), pgq.NewJob)
assert_type(resize.job("cat.png"), pgq.NewJob)
assert_type(resize.job(path="cat.png"), pgq.NewJob)
assert_type(nap.job(), pgq.NewJob)
assert_type(plain(1, 2), int)
assert_type(plain.job(1, 2), pgq.NewJob)

send.job("1")  # type: ignore[arg-type]
send.job()  # type: ignore[call-arg]
send.job(1, "x")  # type: ignore[call-arg]
resize.job(1)  # type: ignore[arg-type]
resize.job("a", "b")  # type: ignore[call-arg]
nap.job(1)  # type: ignore[call-arg]


@pgq.task(context=True)  # type: ignore[arg-type]
def without_context(path: str) -> None: ...


@pgq.task(retry_on=[OSError])  # type: ignore[call-overload, untyped-decorator]
def listed() -> None: ...


@pgq.task(colour="red")  # type: ignore[call-overload, untyped-decorator]
def misspelt() -> None: ...


def blocking(client: pgq.Client) -> None:
    assert_type(client.enqueue("send", {"user_id": 1}, delay=timedelta(minutes=5)), int)
    assert_type(client.enqueue(send, {"user_id": 1}), int)
    assert_type(client.enqueue(send.job(1), queue="mail"), int)
    assert_type(client.enqueue_many([send.job(1), pgq.NewJob("x", [1])]), list[pgq.Created])
    assert_type(client.claim_batch(["*"], batch_size=10), list[pgq.ClaimedJob])
    assert_type(client.complete_batch([1], [2], [{"a": 1}]), list[pgq.Outcome])
    assert_type(client.fail_batch([1], [2], ["no"], retry_in=[5]), list[pgq.Settled])
    assert_type(client.fail_batch([1], [2], cancel=[True]), list[pgq.Settled])
    assert_type(client.configure_queue("mail", backoff=["1s", 5]), None)
    assert_type(client.result(1), pgq.Result | None)
    assert_type(client.job(1), pgq.Job | None)
    assert_type(client.jobs("failed", limit=5), list[pgq.Job])
    assert_type(client.pause_queue("mail", duration="5 minutes"), None)
    assert_type(client.version(), str)
    client.enqueue(1)  # type: ignore[arg-type]
    client.enqueue("send", queu="mail")  # type: ignore[call-arg]
    client.enqueue("send", on_conflict="maybe")  # type: ignore[arg-type]
    client.order_worker(1, "sleep")  # type: ignore[arg-type]
    client.jobs("lost")  # type: ignore[arg-type]


async def awaited(client: pgq.AsyncClient) -> None:
    assert_type(await client.enqueue(send.job(1)), int)
    assert_type(await client.queue_stats(), list[pgq.QueueStats])
    assert_type(await client.worker_status(), list[pgq.WorkerStatus])
    assert_type(await send(1), dict[str, int])


async def work() -> None:
    registry = pgq.Registry()
    registry.task(send.handler)
    worker = pgq.Worker("", queues=["mail", "*"], registry=registry, lease=timedelta(seconds=30))
    assert_type(await worker.run(), None)
    raise pgq.Retry("later", in_=5)
