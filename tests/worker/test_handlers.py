"""How a handler is called, and what becomes of what it returns or raises."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

import pgq
from tests.worker.running import drain, running, wait_for


def run_one(dsn: str, registry: pgq.Registry, client: pgq.Client, job: pgq.NewJob) -> pgq.rows.Job:
    job_id = client.enqueue(job)
    drain(dsn, registry)
    found = client.job(job_id)
    assert found is not None
    assert client.verify() == []
    return found


def error_of(job: pgq.rows.Job) -> tuple[str, str]:
    assert job.errors
    return job.errors[-1]["type"], job.errors[-1]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "result"),
    [
        ({"a": 1}, [1, 2, {}]),
        ([1, 3], [1, 3, {}]),
        ({"args": [1], "kwargs": {"b": 4, "c": 5}}, [1, 4, {"c": 5}]),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
def test_arguments_and_results(
    dsn: str, registry: pgq.Registry, client: pgq.Client, args: Any, result: Any, is_async: bool
) -> None:
    if is_async:

        @registry.task("t")
        async def handle(a: int, b: int = 2, **others: int) -> Any:
            await asyncio.sleep(0)
            return [a, b, others]
    else:

        @registry.task("t")
        def handle_in_thread(a: int, b: int = 2, **others: int) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            return [a, b, others]

    job = run_one(dsn, registry, client, pgq.NewJob("t", args))
    assert (job.state, job.result) == ("succeeded", result)


@pytest.mark.slow
@pytest.mark.parametrize("args", [{}, {"b": 1}, [1, 2, 3], {"a": 1, "c": 2}])
def test_args_that_do_not_fit_fail_at_once_and_for_good(
    dsn: str, registry: pgq.Registry, client: pgq.Client, args: Any
) -> None:
    @registry.task("t")
    async def handle(a: int, b: int = 2) -> None:
        pass

    job = run_one(dsn, registry, client, pgq.NewJob("t", args, max_attempts=5))
    assert (job.state, job.attempt) == ("failed", 1)
    assert error_of(job)[0] == "ArgsMismatch"


@pytest.mark.slow
def test_a_type_error_of_the_handler_itself_is_an_ordinary_failure(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t", max_attempts=1)
    def handle() -> None:
        len(None)  # type: ignore[arg-type]

    assert (
        error_of(run_one(dsn, registry, client, pgq.NewJob("t", max_attempts=1)))[0] == "TypeError"
    )


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Local(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("a\0b\ud800"), "ValueError", r"a\0b\ud800"),
        (Local("x"), f"{__name__}.Local", "x"),
        (Odd(), f"{__name__}.Odd", f"{__name__}.Odd cannot be printed: RuntimeError"),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (StopIteration(), "StopIteration", ""),
        (asyncio.CancelledError(), "asyncio.exceptions.CancelledError", ""),
        (ExceptionGroup("g", [ValueError(1)]), "ExceptionGroup", "g (1 sub-exception)"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
def test_whatever_is_raised_fails_the_job_only(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    error: BaseException,
    kind: str,
    message: str,
    is_async: bool,
) -> None:
    if is_async:
        if isinstance(error, StopIteration):
            pytest.skip("a coroutine cannot raise it")

        @registry.task("t")
        async def handle() -> None:
            raise error
    else:

        @registry.task("t")
        def handle_in_thread() -> None:
            raise error

    @registry.task
    async def other() -> str:
        return "fine"

    beside = client.enqueue("other")
    job = run_one(dsn, registry, client, pgq.NewJob("t", max_attempts=1))
    assert (job.state, *error_of(job)) == ("failed", kind, message)
    assert client.result(beside).state == "succeeded"  # type: ignore[union-attr]


@pytest.mark.slow
def test_the_traceback_begins_in_the_handler(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t")
    async def handle() -> None:
        raise ValueError("here")

    job = run_one(dsn, registry, client, pgq.NewJob("t", max_attempts=1))
    assert job.errors
    first = job.errors[0]["traceback"].splitlines()[1]
    assert "in handle" in first


@pytest.mark.slow
@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "a\0b", "\ud800", object(), b"x"])
def test_a_result_that_is_not_json_fails_the_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client, value: Any
) -> None:
    @registry.task("t")
    async def handle() -> Any:
        return value

    job = run_one(dsn, registry, client, pgq.NewJob("t", max_attempts=1))
    assert (job.state, error_of(job)[0]) == ("failed", "InvalidResult")


@pytest.mark.slow
def test_retry_fail_and_snooze(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    @registry.task
    async def later() -> None:
        raise pgq.Retry("not now", in_=timedelta(hours=2))

    @registry.task
    def never() -> None:
        raise pgq.Fail("never")

    @registry.task
    async def nap() -> None:
        raise pgq.Snooze(3600)

    @registry.task(context=True)
    def rest(context: pgq.Context) -> None:
        context.snooze(timedelta(days=1))

    @registry.task
    async def wrong() -> None:
        raise pgq.Snooze(float("nan"))

    ids = [client.enqueue(name) for name in ("later", "never", "nap", "rest", "wrong")]
    drain(dsn, registry)
    later_job, never_job, nap_job, rest_job, wrong_job = [client.job(job_id) for job_id in ids]
    assert later_job
    assert never_job
    assert nap_job
    assert rest_job
    assert wrong_job
    assert (later_job.state, later_job.attempt) == ("scheduled", 1)
    assert timedelta(hours=1.9) < later_job.run_at - later_job.created_at < timedelta(hours=2.1)
    assert error_of(later_job)[1] == "not now"
    assert (never_job.state, never_job.attempt, error_of(never_job)[1]) == ("failed", 1, "never")
    assert (nap_job.state, nap_job.attempt, nap_job.errors) == ("scheduled", 0, None)
    assert (rest_job.state, rest_job.attempt) == ("scheduled", 0)
    assert error_of(wrong_job)[0] == "InvalidDelay"


@pytest.mark.slow
def test_cancel_ends_the_job_and_keeps_the_reason(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task
    async def gone() -> None:
        raise pgq.Cancel("the order is gone")

    @registry.task(context=True)
    def void(context: pgq.Context) -> None:
        context.cancel_job("void")

    ids = [client.enqueue(name) for name in ("gone", "void")]
    drain(dsn, registry)
    for job_id, reason in zip(ids, ("the order is gone", "void"), strict=True):
        job = client.job(job_id)
        assert job
        assert (job.state, job.attempt) == ("cancelled", 1)
        assert error_of(job) == ("pgq.errors.Cancel", reason)


class Lost(ConnectionError):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Lost("no"), "scheduled"),
        (ConnectionResetError("no"), "failed"),
        (ValueError("no"), "failed"),
        (pgq.Retry("no"), "scheduled"),
        (pgq.Snooze(60), "scheduled"),
        (pgq.Cancel("no"), "cancelled"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_async", [True, False])
def test_only_some_errors_are_retried(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    error: BaseException,
    state: str,
    is_async: bool,
) -> None:
    options: Any = {"retry_on": ConnectionError, "no_retry_on": (ConnectionResetError, Exception)}
    if state != "failed":
        options["no_retry_on"] = (ConnectionResetError,)
    if is_async:

        @registry.task("t", **options)
        async def handle() -> None:
            raise error
    else:

        @registry.task("t", **options)
        def handle_in_thread() -> None:
            raise error

    job = run_one(dsn, registry, client, pgq.NewJob("t"))
    assert job.state == state


@pytest.mark.slow
@pytest.mark.parametrize(("name_it", "state"), [(False, "scheduled"), (True, "failed")])
def test_a_timeout_is_retried_unless_it_is_named(
    dsn: str, registry: pgq.Registry, client: pgq.Client, name_it: bool, state: str
) -> None:
    @registry.task(
        "t", retry_on=ValueError, no_retry_on=(pgq.JobTimeout,) if name_it else Exception
    )
    async def handle() -> None:
        await asyncio.sleep(60)

    job = run_one(dsn, registry, client, pgq.NewJob("t", timeout=0.1))
    assert (job.state, error_of(job)[0]) == (state, "JobTimeout")


@pytest.mark.slow
def test_backoff_decides_when_and_max_attempts_how_often(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    attempts: list[int] = []

    @registry.task(max_attempts=3, backoff=[0, 0], context=True)
    def handle(context: pgq.Context) -> None:
        attempts.append(context.attempt)
        raise ValueError

    job = run_one(dsn, registry, client, registry.get("handle").defaults)  # type: ignore[union-attr]
    assert (job.state, job.attempt, attempts) == ("failed", 3, [1, 2, 3])


@pytest.mark.slow
def test_unknown_tasks_wait_for_a_worker_that_knows_them(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task
    async def known() -> None:
        pass

    unknown = client.enqueue("unknown")
    drain(dsn, registry)
    assert client.result(unknown).state == "ready"  # type: ignore[union-attr]
    everything = pgq.Registry(accept_all=True)
    job = run_one(dsn, everything, client, pgq.NewJob("other", max_attempts=1))
    assert error_of(job) == ("UnknownTask", "no handler for the task 'other' here")


@pytest.mark.slow
def test_the_context_describes_the_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t", context=True)
    async def handle(context: pgq.Context, *, x: int) -> Any:
        return [context.job_id, context.task, context.queue, context.attempt, context.max_attempts,
                context.headers, context.cancelled, x]  # fmt: skip

    job = run_one(
        dsn,
        registry,
        client,
        pgq.NewJob("t", {"x": 1}, queue="q", headers={"h": 1}, max_attempts=4),
    )
    assert job.result == [job.id, "t", "q", 1, 4, {"h": 1}, False, 1]


@pytest.mark.slow
def test_sync_handlers_run_side_by_side(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    together = threading.Barrier(4, timeout=10)

    @registry.task
    def meet() -> None:
        together.wait()

    client.enqueue_many([pgq.NewJob("meet")] * 4)
    drain(dsn, registry, concurrency=4)
    assert {job.state for job in client.list_jobs(details=True).jobs} == {"succeeded"}


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_progress_is_written_while_the_job_runs(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    go_on = threading.Event()

    if is_async:

        @registry.task("t", context=True)
        async def handle(context: pgq.Context) -> None:
            for percent in range(101):
                context.progress({"percent": percent})
            await asyncio.to_thread(go_on.wait, 20)
    else:

        @registry.task("t", context=True)
        def handle_in_thread(context: pgq.Context) -> None:
            with pytest.raises(pgq.InvalidJob):
                context.progress({1, 2})
            context.progress({"percent": 100})
            go_on.wait(20)

    with running(dsn, registry):
        job_id = client.enqueue("t")
        wait_for(lambda: (job := client.job(job_id)) and job.progress == {"percent": 100})
        go_on.set()
