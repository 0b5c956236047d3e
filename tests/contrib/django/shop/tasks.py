"""Tasks as a project has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django
from asgiref.local import Local
from django.db import connection

from pgq.contrib.django import job_options
from tests.contrib.django.shop.models import Order

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task(queue_name="mail", priority=10)
def welcome(user: int, *, greeting: str = "hello") -> str:
    return f"{greeting} {user}"


@task
async def later(value: Any) -> Any:
    return value


@task
async def count_async() -> int:
    return await Order.objects.acount()


@task
def fail(message: str = "no") -> None:
    raise ValueError(message)


@task
def leave() -> None:
    raise SystemExit("enough")


@task
def return_no_json() -> Any:
    return datetime.now


@task(takes_context=True)
def tell(context: Any) -> dict[str, Any]:
    result = context.task_result
    return {
        "id": result.id,
        "attempt": context.attempt,
        "status": result.status,
        "was_enqueued": result.enqueued_at is not None,
        "pgq": context.job.job_id,
    }


@job_options(max_attempts=3, backoff=[0, 0])
@task(takes_context=True)
def third_time(context: Any) -> int:
    if context.attempt < 3:
        raise ConnectionError(f"attempt {context.attempt}")
    attempt: int = context.attempt
    return attempt


@task
def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (found,) = cursor.fetchone()
    return int(found)


_remembered = Local()


@task
def remember(number: int) -> int | None:
    before: int | None = getattr(_remembered, "number", None)
    _remembered.number = number
    return before


@task
async def remember_async(number: int) -> int | None:
    before: int | None = getattr(_remembered, "number", None)
    _remembered.number = number
    return before


@job_options(atomic=True)
@task
def pay(number: int, *, fails: bool = False) -> int:
    Order.objects.create(number=number, state="paid")
    if fails:
        raise ValueError("no money")
    return number


@task
@job_options(concurrency_key="account:{account}", concurrency_limit=1)
def sync(account: int) -> int:
    return account


@task
def of_dj_queue(account: int) -> int:
    return account


of_dj_queue.func.concurrency_key = "account:{account}"
of_dj_queue.func.concurrency_limit = 2
of_dj_queue.func.concurrency_duration = 60
of_dj_queue.func.on_conflict = "discard"


@task
@job_options(cron="0 3 * * *", args=[7], concurrency_key="n:{account}", concurrency_limit=1)
def nightly(account: int) -> int:
    return account
