"""Middleware: what it surrounds, in which order, and that it decides nothing by accident."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest

import pgq
from pgq import testing
from tests.worker.running import drain, running, wait_for

current: contextvars.ContextVar[str] = contextvars.ContextVar("current", default="nothing")


@pytest.fixture
def told() -> list[str]:
    return []


def add_tasks(registry: pgq.Registry, told: list[str]) -> None:
    @registry.task
    async def in_loop() -> str:
        told.append(f"in_loop {current.get()}")
        return "a"

    @registry.task
    def in_thread() -> str:
        told.append(f"in_thread {current.get()}")
        return "b"


def noting(told: list[str], mark: str) -> pgq.Middleware:
    async def middleware(context: pgq.Context, call_next: pgq.CallNext) -> None:
        told.append(f"{mark} before {context.task}")
        told.append(f"{mark} after {await call_next()}")

    return middleware


def run_one(dsn: str, registry: pgq.Registry, client: pgq.Client, task: str) -> pgq.rows.Job:
    job_id = client.enqueue(task, max_attempts=1)
    drain(dsn, registry)
    found = client.job(job_id)
    assert found is not None
    return found


def error_of(job: pgq.rows.Job) -> tuple[str, str]:
    assert job.errors
    return job.errors[-1]["type"], job.errors[-1]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "result"), [("in_loop", "a"), ("in_thread", "b")])
def test_the_workers_own_is_outside_of_the_registrys(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], task: str, result: str
) -> None:
    add_tasks(registry, told)
    registry.add_middleware(noting(told, "2"))
    registry.add_middleware(noting(told, "3"))
    job_id = client.enqueue(task)
    drain(dsn, registry, middleware=[noting(told, "1")])
    job = client.job(job_id)
    assert job is not None and job.result == result
    befores = [f"{mark} before {task}" for mark in "123"]
    afters = [f"{mark} after {result}" for mark in "321"]
    assert told == [*befores, f"{task} nothing", *afters]


@pytest.mark.slow
def test_a_blocking_one_runs_in_the_handlers_thread_and_around_no_async_handler(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    threads: dict[str, list[threading.Thread]] = {"middleware": [], "handler": []}

    @registry.add_middleware
    def surround(context: pgq.Context, call_next: pgq.CallNext) -> None:
        threads["middleware"].append(threading.current_thread())
        call_next()

    @registry.task
    def in_thread() -> None:
        threads["handler"].append(threading.current_thread())

    @registry.task
    async def in_loop() -> str:
        return "done"

    assert run_one(dsn, registry, client, "in_thread").state == "succeeded"
    assert threads["middleware"] == threads["handler"] != [threading.main_thread()]
    assert run_one(dsn, registry, client, "in_loop").result == "done"
    assert len(threads["middleware"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("task", ["in_loop", "in_thread"])
def test_handlers_see_the_context_variables_of_an_async_one(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], task: str
) -> None:
    add_tasks(registry, told)

    @registry.add_middleware
    async def name_job(context: pgq.Context, call_next: pgq.CallNext) -> None:
        current.set(f"job {context.job_id}")
        await call_next()

    job = run_one(dsn, registry, client, task)
    assert told == [f"{task} job {job.id}"]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_cannot_be_hidden_nor_a_result_changed(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], is_async: bool
) -> None:
    if is_async:

        @registry.add_middleware
        async def swallow_async(context: pgq.Context, call_next: pgq.CallNext) -> str:
            try:
                await call_next()
            except ValueError as error:
                told.append(str(error))
            return "another result"
    else:

        @registry.add_middleware
        def swallow(context: pgq.Context, call_next: pgq.CallNext) -> str:
            try:
                call_next()
            except ValueError as error:
                told.append(str(error))
            return "another result"

    @registry.task
    def fail() -> None:
        raise ValueError("the handler's")

    add_tasks(registry, [])
    failed = run_one(dsn, registry, client, "fail")
    assert failed.state == "failed" and error_of(failed) == ("ValueError", "the handler's")
    assert told == ["the handler's"]
    assert "raise ValueError" in (failed.errors or [{}])[-1]["traceback"]
    assert run_one(dsn, registry, client, "in_thread").result == "b"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["in_loop", "in_thread"])
def test_one_may_raise_before_and_after_the_handler(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], task: str
) -> None:
    add_tasks(registry, told)
    refused = True

    @registry.add_middleware
    async def choose(context: pgq.Context, call_next: pgq.CallNext) -> None:
        if refused:
            raise pgq.Cancel("not today")
        await call_next()
        raise LookupError("too late")

    job = run_one(dsn, registry, client, task)
    assert (job.state, told) == ("cancelled", [])
    refused = False
    job = run_one(dsn, registry, client, task)
    assert error_of(job) == ("LookupError", "too late") and told == [f"{task} nothing"]


@pytest.mark.slow
@pytest.mark.parametrize("times", [0, 2])
@pytest.mark.parametrize("task", ["in_loop", "in_thread"])
def test_the_handler_runs_once_or_the_attempt_fails(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], task: str, times: int
) -> None:
    add_tasks(registry, told)

    @registry.add_middleware
    async def repeat(context: pgq.Context, call_next: pgq.CallNext) -> None:
        for _ in range(times):
            await call_next()

    job = run_one(dsn, registry, client, task)
    kind, message = error_of(job)
    assert kind == "pgq.errors.InvalidArgument" and "call_next" in message
    assert len(told) == min(times, 1)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["in_loop", "in_thread"])
def test_a_timeout_ends_a_middleware_that_waits(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str], task: str
) -> None:
    add_tasks(registry, told)
    ended = threading.Event()

    @registry.add_middleware
    async def wait(context: pgq.Context, call_next: pgq.CallNext) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    job_id = client.enqueue(task, timeout=0.2, max_attempts=1)
    with running(dsn, registry, concurrency=1):
        assert ended.wait(20)
        wait_for(lambda: client.result(job_id).state == "failed")  # type: ignore[union-attr]
    assert told == []


@pytest.mark.slow
def test_an_async_handler_is_cancelled_through_its_middleware(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str]
) -> None:
    begun = threading.Event()
    registry.add_middleware(noting(told, "1"))

    @registry.task
    async def slow() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    job_id = client.enqueue("slow")
    with running(dsn, registry, heartbeat_interval=0.2):
        assert begun.wait(20)
        client.cancel([job_id])
        wait_for(lambda: client.result(job_id).state == "cancelled")  # type: ignore[union-attr]
    assert told == ["1 before slow", "cancelled"]


@pytest.mark.slow
def test_args_that_do_not_fit_still_fail_for_good(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str]
) -> None:
    registry.add_middleware(noting(told, "1"))
    registry.task("t")(lambda: None)
    job_id = client.enqueue("t", {"wrong": 1}, max_attempts=5)
    drain(dsn, registry)
    job = client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt, error_of(job)[0]) == ("failed", 1, "ArgsMismatch")


@pytest.mark.slow
def test_an_object_may_be_a_middleware(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str]
) -> None:
    class Counter:
        count = 0

        async def __call__(self, context: pgq.Context, call_next: pgq.CallNext) -> None:
            self.count += 1
            await call_next()

    counter = registry.add_middleware(Counter())
    add_tasks(registry, told)
    for task in ("in_loop", "in_thread"):
        run_one(dsn, registry, client, task)
    assert counter.count == 2


@pytest.mark.slow
@pytest.mark.parametrize("task", ["in_loop", "in_thread"])
def test_drain_surrounds_handlers_too(
    client: pgq.Client, registry: pgq.Registry, told: list[str], task: str
) -> None:
    add_tasks(registry, told)
    registry.add_middleware(noting(told, "1"))

    @registry.add_middleware
    def blocking(context: pgq.Context, call_next: pgq.CallNext) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append("blocking")
        call_next()

    client.enqueue(task)
    (job,) = testing.drain(client, registry)
    assert job.state == "succeeded"
    inner = ["blocking", "in_thread nothing"] if task == "in_thread" else ["in_loop nothing"]
    assert told == [f"1 before {task}", *inner, f"1 after {job.result}"]


def test_what_cannot_be_called_is_refused(registry: pgq.Registry) -> None:
    wrong: Any = ["measure"]
    with pytest.raises(pgq.InvalidArgument, match="cannot be called"):
        pgq.Worker("", registry=registry, middleware=wrong)
