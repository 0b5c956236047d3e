"""Applications with a worker inside, for servers to run; their tasks say in which process."""

from __future__ import annotations

import os
import time
from typing import Any

from starlette.applications import Starlette

import pgq
from pgq.contrib import asgi

registry = pgq.Registry()


@registry.task("where")
async def where() -> int:
    return os.getpid()


@registry.task("slow")
def slow(seconds: float) -> int:
    """Take a while, and return where."""
    time.sleep(seconds)
    return os.getpid()


def make_worker() -> pgq.Worker:
    return pgq.Worker(os.environ["PGQ_DSN"], registry=registry, lease=2, shutdown_timeout=10)


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Answer requests and, like Django, refuse anything else."""
    if scope["type"] != "http":
        raise ValueError(f"only HTTP, not {scope['type']}")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


bare = asgi.with_worker(
    without_lifespan, make_worker, only_one=os.environ.get("PGQ_TEST_LOCK", "pgq-tests")
)
starlette = Starlette(lifespan=asgi.lifespan(make_worker))


def wsgi(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"hello"]
