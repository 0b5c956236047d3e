"""What a type checker must know of the public API. Checked, never run.

    mypy --strict tests/typing/api.py

Every ignored error must be one: an ignore that is not needed is an error itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_type

import psycopg

import pgq
import pgq.job_rows


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


def file_of(path: str) -> str:
    return f"file:{path}"


@pgq.task(
    concurrency_key=file_of,
    concurrency_limit=2,
    concurrency_on_conflict="discard",
    partition_key="{path}",
    unique_key="sync:{path}",
    unique_while="queued",
    unique_for=timedelta(hours=1),
    cron=None,
)
def keyed(path: str) -> None: ...


@pgq.task(unique_by="args", on_conflict="replace")
def by_args(path: str) -> None: ...


@pgq.task(concurrency_key=7)  # type: ignore[call-overload, untyped-decorator]
def numbered() -> None: ...


@pgq.task("collect", context=True)
def collect(context: pgq.Context) -> None:
    assert_type(context.parent_results(), list[pgq.rows.ParentResult])


@pgq.task("collect_async", context=True, concurrency_key="k")
async def collect_async(context: pgq.Context) -> int:
    assert_type(await context.parent_results_async(), list[pgq.rows.ParentResult])
    return 1


@pgq.task(batch_size=100, batch_wait="500ms", queue="search")
async def index(ids: list[int]) -> list[int | Exception]:
    return [*ids]


@pgq.task("index_in_thread", batch_size=2, context=True)
def index_in_thread(contexts: list[pgq.Context], names: list[dict[str, str]]) -> None: ...


@pgq.task(batch_size=2)  # type: ignore[arg-type]
def one_by_one(number: int) -> None: ...


@pgq.task(batch_size=2)  # type: ignore[arg-type]
def counts(numbers: list[int]) -> int:
    return len(numbers)


@pgq.task(batch_wait=2)  # type: ignore[call-overload, untyped-decorator]
def without_size(numbers: list[int]) -> None: ...


assert_type(index.job(1), pgq.NewJob)
assert_type(index_in_thread.job({"name": "x"}), pgq.NewJob)
index([1, 2])
index.job("1")  # type: ignore[arg-type]
index.job([1])  # type: ignore[arg-type]
index.job(1, 2)  # type: ignore[call-arg]
index([""])  # type: ignore[list-item]

assert_type(keyed.job("x").after(send.job(1), 5, "ref", on_parent_failure="run"), pgq.NewJob)
assert_type(pgq.flow(collect.job(), collect_async.job().after(send.job(1))), list[pgq.NewJob])
keyed.job(1)  # type: ignore[arg-type]
keyed.job("x").after(send.job(1), on_parent_failure="cry")  # type: ignore[arg-type]
keyed.job("x").after(send)  # type: ignore[arg-type]

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
    assert_type(client.enqueue_many([send.job(1), pgq.NewJob("x", [1])]), list[pgq.rows.Created])
    assert_type(client.claim_batch(["*"], batch_size=10), list[pgq.rows.ClaimedJob])
    assert_type(client.complete_batch([1], [2], [{"a": 1}]), list[pgq.rows.Outcome])
    assert_type(client.fail_batch([1], [2], ["no"], retry_in=[5]), list[pgq.rows.Settled])
    assert_type(client.fail_batch([1], [2], cancel=[True]), list[pgq.rows.Settled])
    assert_type(client.configure_queue("mail", backoff=["1s", 5]), None)
    assert_type(client.result(1), pgq.rows.Result | None)
    assert_type(client.job(1), pgq.rows.Job | None)
    assert_type(client.list_jobs(states=["failed"], page_size=5), pgq.rows.JobPage)
    assert_type(client.estimate_jobs(args={"a": 1}).exact, bool)
    assert_type(client.pause_queue("mail", duration="5 minutes"), None)
    assert_type(client.version(), str)
    assert_type(client.wait([1], timeout=5), list[pgq.rows.JobResult])
    assert_type(client.wait_batch(1, timedelta(minutes=1)), pgq.rows.BatchProgress)
    assert_type(client.create_batch(on_finish=send.job(1)), int)
    assert_type(client.batch_progress(1), pgq.rows.BatchProgress | None)
    assert_type(client.results([1, 2]), list[pgq.rows.JobResult])
    assert_type(client.parent_results(1), list[pgq.rows.ParentResult])
    assert_type(client.unique_key_owner("k"), pgq.rows.KeyOwner | None)
    assert_type(client.find_jobs(states=["failed"], headers={"a": 1}), list[int])
    assert_type(client.reprioritise([1], -5), list[pgq.rows.Outcome])
    assert_type(client.semaphore_status(), list[pgq.rows.SemaphoreStatus])
    assert_type(client.queue_limits(), list[pgq.rows.QueueLimits])
    assert_type(client.blocked_jobs(), list[pgq.rows.BlockedJob])
    assert_type(client.batch_status(), list[pgq.rows.BatchStatus])
    assert_type(client.job_links(1), pgq.job_rows.JobLinks | None)
    client.enqueue("send", concurrency_key="k", depends_on=[1], unique_for=60, batch_id=1)
    client.enqueue("send", unique_by="args", on_conflict="merge", max_wait=60)
    client.enqueue("send", depends_on=[send.job(1)])  # type: ignore[list-item]
    client.find_jobs(states=["lost"])  # type: ignore[list-item]
    client.find_jobs(quee="mail")  # type: ignore[call-arg]
    client.find_jobs(queue=1)  # type: ignore[arg-type]
    client.bulk_start("retry", task="t", finished_before="now")  # type: ignore[arg-type]
    client.enqueue(1)  # type: ignore[call-overload]
    client.enqueue("send", queu="mail")  # type: ignore[call-overload]
    client.enqueue("send", on_conflict="maybe")  # type: ignore[call-overload]
    client.order_worker(1, "sleep")  # type: ignore[arg-type]
    client.list_jobs(states=["lost"])  # type: ignore[list-item]


async def awaited(client: pgq.AsyncClient) -> None:
    assert_type(await client.enqueue(send.job(1)), int)
    assert_type(await client.queue_stats(), list[pgq.rows.QueueStats])
    assert_type(await client.wait([1]), list[pgq.rows.JobResult])
    assert_type(await client.wait_batch(1), pgq.rows.BatchProgress)
    assert_type(await client.worker_status(), list[pgq.rows.WorkerStatus])
    assert_type(await send(1), dict[str, int])


async def work() -> None:
    registry = pgq.Registry()
    registry.task(send.handler)
    worker = pgq.Worker("", queues=["mail", "*"], registry=registry, lease=timedelta(seconds=30))
    assert_type(await worker.run(), None)
    raise pgq.Retry("later", in_=5)


def queues(client: pgq.Client) -> None:
    orders = pgq.QueueInfo("orders", client)
    assert_type(orders.size, int)
    assert_type(orders.latency, float)
    assert_type(orders.clear(batch_size=100), int)
    assert_type(pgq.QueueInfo.all(client), list[pgq.QueueInfo])
    assert_type(client.enqueue_again(1, queue="slow"), int)
    assert_type(client.run_now([1]), list[pgq.rows.Outcome])


async def queues_async(client: pgq.AsyncClient) -> None:
    assert_type(await pgq.AsyncQueueInfo("orders", client).latency(), float)
    assert_type(await client.queue_latency("orders"), timedelta | None)
