"""dj-queue: a worker of 10 threads with prefetch 20, woken by LISTEN, finished jobs kept."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

import django
import driving
from django.conf import settings

database = urlsplit(driving.DSN)
OPTIONS = {
    "INSTALLED_APPS": ["dj_queue"],
    "DATABASES": {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database.path[1:],
            "USER": database.username,
            "PASSWORD": unquote(database.password or ""),
            "HOST": database.hostname,
            "PORT": database.port,
            "CONN_MAX_AGE": None,
        }
    },
    "TASKS": {
        "default": {
            "BACKEND": "dj_queue.backend.DjQueueBackend",
            "QUEUES": [],
            "OPTIONS": {
                "workers": [{"threads": 10, "prefetch_multiplier": 20, "polling_interval": 0.1}]
            },
        }
    },
    "USE_TZ": True,
    "LOGGING_CONFIG": None,
}
# The script is imported again under its own name, which the handler's path holds.
if not settings.configured:
    settings.configure(**OPTIONS)
    django.setup()

from django.core.management import call_command  # noqa: E402
from django.tasks import task, task_backends  # noqa: E402

count: Any = driving.counter() if "PGQ_BENCH_SLOT" in os.environ else None


@task
def bench(n: int, email: str) -> None:
    """Count, in a thread."""
    count(n)


def produce(what: dict[str, Any]) -> None:
    # Its API is blocking; nothing else runs in this loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    from drive_dj_queue import bench as handler

    async def one(n: int) -> None:
        handler.enqueue(**driving.payload(n))

    async def many(numbers: range) -> None:
        calls = [(handler, (), driving.payload(n)) for n in numbers]
        task_backends["default"].enqueue_all(calls)

    asyncio.run(driving.produce(what, one, many))


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "setup":
        call_command("migrate", verbosity=0)
    elif what["do"] == "work":
        call_command("dj_queue", "--mode", "async", "--skip-recurring")
        sys.exit(0)
    else:
        produce(what)
