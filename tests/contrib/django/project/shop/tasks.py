import os
import signal
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection, transaction

from pgq.contrib.django import job_options
from shop.models import Order

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task


@task(queue_name="mail")
def pack(number: int) -> str:
    """Do something that leaves a trace in the database."""
    order = Order.objects.get(number=number)
    order.state, order.packed = "packed", order.packed + 1
    order.save()
    return f"packed {number}"


@task(takes_context=True)
def die_once(context: Any, number: int) -> int:
    """Kill the worker at the first attempt, as a lack of memory would."""
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    order = Order.objects.get(number=number)
    order.state = "survived"
    order.save()
    return int(context.attempt)


@task
def note_setting(path: str) -> str:
    """Say which settings a worker has."""
    Path(path).write_text(settings.TIME_ZONE)
    return str(settings.TIME_ZONE)


@job_options(atomic=True, max_attempts=9)
@task(takes_context=True)
def pack_and_die(context: Any, number: int) -> int:
    """Leave a trace; die after it, then after the completion of the job, then after the commit."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def die_before_the_commit(execute: Any, sql: str, *args: Any) -> Any:
        done = execute(sql, *args)
        if "complete_batch" in sql:
            die()
        return done

    order = Order.objects.get(number=number)
    order.packed += 1
    order.save()
    if context.attempt == 1:
        die()
    elif context.attempt == 2:
        connection.execute_wrappers.append(die_before_the_commit)
    else:
        transaction.on_commit(die)
    return int(context.attempt)
