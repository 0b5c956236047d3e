"""What one handler sets, the next one does not see: context variables and decimal's settings."""

from __future__ import annotations

import asyncio
import contextvars
import decimal
import threading
from typing import Any

import pytest

import pgq
from pgq import testing
from tests.worker.running import drain

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def look_and_set(seen: list[Any], word: str) -> None:
    context = decimal.getcontext()
    one_third = decimal.Decimal(1) / decimal.Decimal(3)
    seen.append((VARIABLE.get(), len(str(one_third)) - 2, context.flags[decimal.Inexact]))
    VARIABLE.set(word)
    context.prec = 5
    context.flags[decimal.Inexact] = False


def add_task(registry: pgq.Registry, is_async: bool) -> list[Any]:
    seen: list[Any] = []
    if is_async:

        @registry.task("t")
        async def handle_async(n: int) -> None:
            look_and_set(seen, f"set by {n}")
            await asyncio.sleep(0)
            assert VARIABLE.get() == f"set by {n}" and decimal.getcontext().prec == 5
    else:

        @registry.task("t")
        def handle(n: int) -> None:
            look_and_set(seen, f"set by {n}")
            assert VARIABLE.get() == f"set by {n}" and decimal.getcontext().prec == 5

    return seen


def surround(registry: pgq.Registry) -> None:
    @registry.add_middleware
    async def around(context: pgq.Context, call_next: pgq.CallNext) -> None:
        VARIABLE.set("of the middleware")
        await call_next()


@pytest.fixture(params=["worker", "drain", "drain_async"])
def run(request: pytest.FixtureRequest, dsn: str) -> Any:
    def with_worker(client: pgq.Client, registry: pgq.Registry) -> None:
        drain(dsn, registry, concurrency=1)

    async def all_async(registry: pgq.Registry) -> None:
        async with pgq.AsyncClient(dsn) as own:
            await testing.drain_async(own, registry)
        assert VARIABLE.get() in ("unset", "of the program")

    ways = {
        "worker": with_worker,
        "drain": lambda client, registry: testing.drain(client, registry),
        "drain_async": lambda client, registry: asyncio.run(all_async(registry)),
    }
    return ways[request.param]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("is_surrounded", [True, False])
def test_each_run_begins_with_what_the_program_has(
    registry: pgq.Registry, client: pgq.Client, run: Any, is_async: bool, is_surrounded: bool
) -> None:
    seen = add_task(registry, is_async)
    if is_surrounded:
        surround(registry)
    client.enqueue_many([pgq.NewJob("t", [n]) for n in range(5)])
    decimal.getcontext()  # so that the program has one, which copies would share
    context = contextvars.copy_context()
    context.run(run, client, registry)
    variable = "of the middleware" if is_surrounded else "unset"
    assert seen == [(variable, 28, True)] * 5
    assert decimal.getcontext().prec == 28
    assert context[VARIABLE] == "unset" if VARIABLE in context else True


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_settings_of_the_program_count_in_all_handlers(
    registry: pgq.Registry, client: pgq.Client, run: Any, is_async: bool
) -> None:
    seen = add_task(registry, is_async)
    client.enqueue_many([pgq.NewJob("t", [n]) for n in range(3)])

    def program() -> None:
        own = decimal.Context(prec=50)
        decimal.setcontext(own)
        VARIABLE.set("of the program")
        run(client, registry)
        assert own.prec == 50

    contextvars.copy_context().run(program)
    assert seen == [("of the program", 50, True)] * 3


@pytest.mark.slow
def test_ten_threads_at_once(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    barrier = threading.Barrier(10, timeout=20)

    @registry.task("t")
    def handle(n: int) -> str:
        before = VARIABLE.get()
        VARIABLE.set(f"{n}")
        decimal.getcontext().prec = n + 1
        barrier.wait()
        assert (VARIABLE.get(), decimal.getcontext().prec) == (f"{n}", n + 1)
        return before

    ids = client.enqueue_many([pgq.NewJob("t", [n]) for n in range(20)])
    drain(dsn, registry, concurrency=10)
    assert [client.result(each.id).result for each in ids] == ["unset"] * 20
