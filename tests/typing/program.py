"""A user's program, with the mistakes that a type checker finds. Checked, never run."""

from __future__ import annotations

from typing import Any, TypedDict, assert_type

import pgq
from pgq.contrib.dj_queue import tasks as dj_queue
from pgq.options import OnConflict


class Receipt(TypedDict):
    number: int
    total: float


@pgq.task(queue="mail", max_attempts=3)
async def send_email(user_id: int, *, subject: str = "") -> dict[str, str]:
    return {"message_id": f"{user_id}-{subject}"}


@pgq.task("charge", context=True, unique_key="charge:{order_id}", on_conflict="discard")
def charge(context: pgq.Context, order_id: int, amount: float) -> Receipt:
    return {"number": context.attempt, "total": amount}


@pgq.task
def clean_up() -> None: ...


def arguments(client: pgq.Client) -> None:
    client.enqueue(send_email.job(1, subject="hello"), delay=5)
    client.enqueue(charge.job(1, amount=2.5))
    client.enqueue_many([send_email.job(1), clean_up.job()])
    client.enqueue(send_email.job("1"))  # type: ignore[arg-type]
    client.enqueue(send_email.job(1, "hello"))  # type: ignore[call-arg]
    client.enqueue(send_email.job(1, topic="hello"))  # type: ignore[call-arg]
    client.enqueue(charge.job(1))  # type: ignore[call-arg]
    client.enqueue(clean_up.job(1))  # type: ignore[call-arg]
    client.enqueue(send_email.job(1), queues="mail")  # type: ignore[call-overload]
    client.enqueue(send_email.job(1), delay=[5])  # type: ignore[call-overload]


def results(client: pgq.Client, job_id: int) -> None:
    sent = client.result(job_id, send_email)
    assert_type(sent, pgq.rows.Result[dict[str, str] | None] | None)
    if sent and sent.result:
        assert_type(sent.result["message_id"], str)
    print(sent.result)  # type: ignore[union-attr]
    paid = client.result(job_id, charge)
    if paid and paid.result:
        assert_type(paid.result["total"], float)
        paid.result["sum"]  # type: ignore[misc]
    assert_type(client.result(job_id, clean_up), pgq.rows.Result[None] | None)
    assert_type(client.result(job_id), pgq.rows.Result[Any] | None)
    assert_type(
        client.results([job_id], send_email), list[pgq.rows.JobResult[dict[str, str] | None]]
    )
    assert_type(client.results([job_id]), list[pgq.rows.JobResult])
    waited = client.wait(job_id, timeout=5, task=charge)
    assert_type(waited, list[pgq.rows.JobResult[Receipt | None]])
    assert_type(client.wait([job_id], 5), list[pgq.rows.JobResult])
    client.wait(job_id, task="charge")  # type: ignore[call-overload]
    client.result(job_id, send_email.job(1))  # type: ignore[call-overload]


def conflicts(client: pgq.Client, rule: OnConflict) -> None:
    assert_type(client.enqueue(send_email.job(1)), int)
    assert_type(client.enqueue("x", unique_key="k", on_conflict="replace"), int)
    new = client.enqueue("x", unique_key="k", on_conflict="discard")
    assert_type(new, int | None)
    client.result(new)  # type: ignore[arg-type]
    if new is not None:
        client.result(new)
    assert_type(client.enqueue("x", unique_key="k", on_conflict=rule), int | None)
    assert_type(client.enqueue("x", on_conflict=None), int)


async def awaited(client: pgq.AsyncClient, job_id: int) -> None:
    assert_type(await client.enqueue(send_email.job(1)), int)
    assert_type(await client.enqueue(charge.job(1, 2.5), on_conflict="discard"), int | None)
    sent = await client.result(job_id, send_email)
    assert_type(sent, pgq.rows.Result[dict[str, str] | None] | None)
    paid = await client.wait([job_id], task=charge)
    assert_type(paid, list[pgq.rows.JobResult[Receipt | None]])
    assert_type(await client.results([job_id]), list[pgq.rows.JobResult])
    await client.enqueue(send_email.job("1"))  # type: ignore[arg-type]
    await client.wait([job_id], task=1)  # type: ignore[call-overload]


@dj_queue.task
def welcome(user_id: int) -> int:
    return user_id


@dj_queue.task(takes_context=True, priority=10)
def invite(context: pgq.Context, address: str) -> None: ...


async def as_in_django() -> None:
    welcome.enqueue(1)
    await invite.using(priority=5).aenqueue("a@example.org")
    welcome.enqueue("1")  # type: ignore[arg-type]
    invite.enqueue(1)  # type: ignore[arg-type]
    await invite.aenqueue()  # type: ignore[call-arg]
    assert_type(welcome(1), int)
