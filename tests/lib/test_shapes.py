"""Handlers that are async without being an `async def`, and others that could not be run."""

from __future__ import annotations

import asyncio
import functools
import threading
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

import pytest

import pgq
from pgq import testing
from pgq.lib.shapes import is_async
from tests.worker.running import drain, finished, running, wait_for


async def plain(number: int = 7) -> int:
    await asyncio.sleep(0)
    return number


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def blocking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run an async function to its end, as asgiref's async_to_sync does."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    return wrapper


class Object:
    async def __call__(self, number: int = 7) -> int:
        return await plain(number)

    async def method(self, number: int = 7) -> int:
        return await plain(number)


class Decorated:
    @decorated
    async def __call__(self, number: int = 7) -> int:
        return await plain(number)


class Static:
    handler = staticmethod(plain)
    inside: Any = vars()["handler"]


class Awaited:
    def __init__(self, number: int = 7) -> None:
        self.number = number

    def __await__(self) -> Generator[Any, None, int]:
        return plain(self.number).__await__()


@types.coroutine
def old(number: int = 7) -> Generator[Any, Any, int]:
    yield from asyncio.sleep(0).__await__()
    return number


def returns_future() -> Awaitable[int]:
    return Awaited()


SHAPES: dict[str, tuple[Any, bool]] = {
    "async def": (plain, True),
    "decorated": (decorated(plain), False),
    "decorated twice": (decorated(decorated(plain)), False),
    "object": (Object(), True),
    "method": (Object().method, True),
    "partial": (functools.partial(plain, 7), True),
    "partial of a partial": (functools.partial(functools.partial(plain), number=7), True),
    "partial of an object": (functools.partial(Object(), 7), True),
    "partial of a decorated one": (functools.partial(decorated(plain), 7), False),
    "object with a decorated call": (Decorated(), False),
    "staticmethod": (Static.inside, True),
    "lambda": (lambda: plain(), False),
    "class to await": (Awaited, False),
    "returns what is to be awaited": (returns_future, False),
    "types.coroutine": (old, False),
    "sync": (lambda: 7, False),
    "made sync": (blocking(plain), False),
    "sync partial": (functools.partial(lambda number: number, 7), False),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_runs_to_its_end(
    dsn: str, registry: pgq.Registry, client: pgq.Client, shape: str
) -> None:
    handler, seen = SHAPES[shape]
    assert is_async(handler) is seen
    registry.task("t")(handler)
    first, second, third = (client.enqueue("t") for _ in range(3))
    testing.run_claimed(client, registry, client.claim_batch(["*"], batch_size=1)[0])
    drain(dsn, registry)
    for job_id in (first, second, third):
        job = client.job(job_id)
        assert job is not None and (job.state, job.result) == ("succeeded", 7), job.errors


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["object", "decorated", "sync"])
@pytest.mark.parametrize("with_async_middleware", [True, False])
def test_middleware_surrounds_all_of_it(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    shape: str,
    with_async_middleware: bool,
) -> None:
    told: list[str] = []

    async def handle() -> None:
        told.append("begin")
        await asyncio.sleep(0.05)
        told.append("end")

    class Like:
        async def __call__(self) -> None:
            await handle()

    handlers: dict[str, Any] = {
        "object": Like(),
        "decorated": decorated(handle),
        "sync": blocking(handle),
    }
    registry.task("t")(handlers[shape])

    @registry.add_middleware
    def around_threads(context: pgq.Context, call_next: pgq.CallNext) -> None:
        call_next()
        told.append("after, in the thread")

    if with_async_middleware:

        @registry.add_middleware
        async def around(context: pgq.Context, call_next: pgq.CallNext) -> None:
            await call_next()
            told.append("after")

    client.enqueue("t")
    drain(dsn, registry)
    expected = ["begin", "end"]
    expected += ["after, in the thread"] if shape != "object" else []
    assert told == expected + (["after"] if with_async_middleware else [])
    told.clear()
    if (shape, with_async_middleware) != ("sync", True):  # that one would run inside a loop
        client.enqueue("t")
        testing.drain(client, registry)
        assert told == expected + (["after"] if with_async_middleware else [])

    async def drain_async() -> None:
        async with pgq.AsyncClient(dsn) as own:
            await own.enqueue("t")
            await testing.drain_async(own, registry)

    told.clear()
    asyncio.run(drain_async())
    assert told == expected + (["after"] if with_async_middleware else [])


@pytest.mark.slow
def test_what_a_thread_returns_to_await_runs_in_the_workers_loop(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    loops: list[Any] = []

    @registry.task("a")
    async def in_loop() -> None:
        loops.append(asyncio.get_running_loop())

    registry.task("b")(decorated(in_loop.handler))
    client.enqueue("a")
    client.enqueue("b")
    drain(dsn, registry)
    assert len(loops) == 2 and loops[0] is loops[1]


@pytest.mark.slow
@pytest.mark.parametrize("why", ["cancel", "timeout", "error"])
def test_it_is_cancelled_and_fails_like_any_async_one(
    dsn: str, registry: pgq.Registry, client: pgq.Client, why: str
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    async def handle() -> None:
        if why == "error":
            raise ValueError("wrong")
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    registry.task("t")(decorated(handle))
    with running(dsn, registry, heartbeat_interval=0.1):
        options: dict[str, Any] = {"timeout": 0.5} if why == "timeout" else {}
        job_id = client.enqueue("t", max_attempts=1, **options)
        if why == "cancel":
            assert begun.wait(10)
            client.cancel([job_id])
        job = finished(client, job_id)
        if why != "error":
            assert stopped.wait(10)
    kinds = {"cancel": "JobCancelled", "timeout": "JobTimeout", "error": "ValueError"}
    assert job.errors and job.errors[-1]["type"] == kinds[why]
    assert job.state == ("cancelled" if why == "cancel" else "failed")


def test_generators_are_refused_when_they_are_registered(registry: pgq.Registry) -> None:
    def generator() -> Generator[int, None, None]:
        yield 1

    async def async_generator() -> AsyncGenerator[int, None]:
        yield 1

    class Like:
        def __call__(self) -> Generator[int, None, None]:
            yield 1

    for wrong in (generator, async_generator, Like(), functools.partial(generator)):
        with pytest.raises(pgq.InvalidArgument, match="is a generator"):
            registry.task("t")(wrong)


def test_what_cannot_be_called_is_refused(registry: pgq.Registry) -> None:
    for wrong in (7, classmethod(lambda cls: None)):
        with pytest.raises(pgq.InvalidArgument, match="cannot be called"):
            registry.task(wrong)  # type: ignore[call-overload]


@pytest.mark.slow
def test_a_middleware_that_is_not_async_may_not_return_what_is_to_be_awaited(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    async def surround(context: pgq.Context, call_next: pgq.CallNext) -> None:
        await asyncio.sleep(0)

    registry.add_middleware(decorated(surround))
    registry.task("t")(lambda: None)
    job_id = client.enqueue("t", max_attempts=1)
    drain(dsn, registry)
    job = client.job(job_id)
    assert job is not None and job.errors
    assert "returns something to await" in job.errors[0]["message"]


@pytest.mark.slow
def test_a_partial_of_an_async_object_is_an_async_middleware(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    told: list[str] = []

    class Around:
        async def __call__(self, word: str, context: pgq.Context, call_next: pgq.CallNext) -> None:
            told.append(word)
            await call_next()

    registry.add_middleware(functools.partial(Around(), "here"))
    registry.task("t")(lambda: 7)
    job_id = client.enqueue("t")
    drain(dsn, registry)
    assert told == ["here"] and client.result(job_id).result == 7


@pytest.mark.slow
def test_a_job_that_says_it_was_lost_is_settled_all_the_same(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    """It may have met that of another job: whether this one is lost, the database knows."""

    @registry.task("t")
    def handle() -> None:
        raise pgq.JobLost("of some other job")

    job_id = client.enqueue("t", max_attempts=2, backoff=0)
    with running(dsn, registry):
        job = finished(client, job_id)
        wait_for(lambda: not client.list_jobs(states=["running"]).jobs)
    assert (job.state, job.attempt) == ("failed", 2)
