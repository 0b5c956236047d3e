"""Hooks: when they run, in which order, and that none harms the worker or the next one."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import psycopg
import pytest

import pgq
from pgq.hooks import ErrorReports
from tests.worker.breaking import broken
from tests.worker.running import drain, finished, running, wait_for

WORKER = pgq.Process("worker", "w")


@pytest.fixture
def told() -> list[str]:
    return []


def add_all(hooks: pgq.Hooks, told: list[str], mark: str = "") -> None:
    for event in ("start", "stop", "exit"):

        async def hook(process: pgq.Process, event: str = event) -> None:
            await asyncio.sleep(0)
            told.append(f"{mark}{event} {process.kind}")

        getattr(hooks, f"on_{event}")(hook)


@pytest.mark.slow
def test_each_event_comes_once_and_in_its_order(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str]
) -> None:
    add_all(registry.hooks, told)

    @registry.task("t")
    async def handle() -> None:
        told.append("ran")

    client.enqueue("t")
    drain(dsn, registry)
    assert told == ["start worker", "ran", "stop worker", "exit worker"]


@pytest.mark.slow
def test_hooks_learn_who_starts_and_find_it_registered(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    registry.task("t")(lambda: None)
    seen: list[tuple[pgq.Process, list[int]]] = []

    @registry.hooks.on_start
    @registry.hooks.on_exit
    def look(process: pgq.Process) -> None:
        assert threading.current_thread() is not threading.main_thread()
        with pgq.Client(dsn) as own:
            seen.append((process, [each.id for each in own.worker_status()]))

    drain(dsn, registry, name="mine", queues=["a", "b*"])
    (first, registered), (last, left) = seen
    assert (first.kind, first.name, first.queues) == ("worker", "mine", ("a", "b*"))
    assert registered == [first.worker_id] and left == []
    assert last == first


@pytest.mark.slow
def test_stop_comes_while_jobs_still_run(
    dsn: str, registry: pgq.Registry, client: pgq.Client, told: list[str]
) -> None:
    go = threading.Event()
    add_all(registry.hooks, told)

    @registry.task("t")
    def handle() -> None:
        assert go.wait(20)

    job_id = client.enqueue("t")
    with running(dsn, registry) as handle_of_worker:
        wait_for(lambda: client.result(job_id).state == "running")  # type: ignore[union-attr]
        handle_of_worker.stop()
        wait_for(lambda: "stop worker" in told)
        assert "exit worker" not in told
        go.set()
        handle_of_worker.wait()
    assert finished(client, job_id).state == "succeeded"
    assert told[-1] == "exit worker"


@pytest.mark.slow
def test_a_hook_that_raises_is_logged_and_the_next_ones_run(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    told: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    @registry.hooks.on_start
    def broken(process: pgq.Process) -> None:
        raise ValueError("broken hook")

    @registry.hooks.on_start
    async def leaving(process: pgq.Process) -> None:
        raise SystemExit(3)

    @registry.hooks.on_start
    async def cancelled(process: pgq.Process) -> None:
        raise asyncio.CancelledError

    add_all(registry.hooks, told)
    job_id = client.enqueue(registry.task("t")(lambda: 7))
    drain(dsn, registry)
    assert told == ["start worker", "stop worker", "exit worker"]
    assert finished(client, job_id).result == 7
    failed = [each for each in caplog.records if "hook.failed" in each.getMessage()]
    assert [each.exc_info[0] for each in failed if each.exc_info] == [
        ValueError,
        SystemExit,
        asyncio.CancelledError,
    ]


@pytest.mark.slow
def test_hooks_of_the_worker_run_before_those_of_its_registry(
    dsn: str, registry: pgq.Registry, told: list[str]
) -> None:
    registry.task("t")(lambda: None)
    add_all(registry.hooks, told, "registry ")
    own = pgq.Hooks()
    add_all(own, told, "own ")
    drain(dsn, registry, hooks=own)
    assert told[:2] == ["own start worker", "registry start worker"]
    assert len(told) == 6


@pytest.mark.slow
def test_a_worker_that_never_started_runs_no_hooks(registry: pgq.Registry, told: list[str]) -> None:
    registry.task("t")(lambda: None)
    add_all(registry.hooks, told)
    nowhere = "host=127.0.0.1 port=1 connect_timeout=2"
    with pytest.raises(psycopg.OperationalError):
        drain(nowhere, registry, schema_timeout=0.1)
    assert told == []


def test_a_stop_during_the_start_lets_the_start_end_first(
    dsn: str, registry: pgq.Registry, told: list[str]
) -> None:
    registry.task("t")(lambda: None)
    begun, go = threading.Event(), threading.Event()

    @registry.hooks.on_start
    def slow(process: pgq.Process) -> None:
        begun.set()
        assert go.wait(20)

    add_all(registry.hooks, told)
    with running(dsn, registry) as handle:
        assert begun.wait(20)
        handle.stop()
        assert told == []
        go.set()
        # A second stop would not wait.
        handle.wait()
    assert told == ["start worker", "stop worker", "exit worker"]


def test_kinds_are_told_apart(told: list[str]) -> None:
    hooks = pgq.Hooks()

    @hooks.on_start(kind="supervisor")
    async def supervised(process: pgq.Process) -> None:
        told.append("supervisor")

    @hooks.on_start
    def worked(process: pgq.Process) -> None:
        told.append("worker")

    hooks.run_blocking("start", pgq.Process("supervisor", "s"))
    assert told == ["supervisor"]
    hooks.run_blocking("start", WORKER)
    assert told == ["supervisor", "worker"]


def test_the_blocking_twin_isolates_too(told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    hooks = pgq.Hooks()
    for error in (ValueError("one"), SystemExit(2)):

        async def broken(*args: Any, error: BaseException = error) -> None:
            raise error

        hooks.on_stop(broken)
        hooks.on_infrastructure_error(broken)
    hooks.on_stop(lambda process: told.append("stop"))
    hooks.on_infrastructure_error(lambda error, where: told.append(f"{where}: {error}"))
    hooks.run_blocking("stop", WORKER)
    hooks.report_blocking(OSError("gone"), "child")
    assert told == ["stop", "child: gone"]
    assert sum("hook.failed" in each.getMessage() for each in caplog.records) == 4


@pytest.mark.parametrize("wrong", [{"kind": "dispatcher"}, {"hook": 3}])
def test_what_is_no_hook_is_refused(wrong: dict[str, Any]) -> None:
    hook = wrong.pop("hook", None)
    with pytest.raises(pgq.InvalidArgument):
        pgq.Hooks().on_start(hook, **wrong)


@pytest.mark.slow
def test_a_lost_connection_is_told_and_where(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    registry.task("t")(lambda: None)
    met: list[tuple[str, str]] = []

    @registry.hooks.on_infrastructure_error
    def broken(error: BaseException, where: str) -> None:
        raise RuntimeError("a broken hook")

    @registry.hooks.on_infrastructure_error
    async def note(error: BaseException, where: str) -> None:
        met.append((where, type(error).__name__))

    with running(dsn, registry):
        wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'pgq %' and datname = current_database()"
        )
        wait_for(lambda: {where for where, _ in met} >= {"worker", "listener"}, "for the hooks")
    assert {name for _, name in met} <= {"AdminShutdown", "OperationalError"}


def test_what_ends_the_worker_is_told(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    registry.task("t")(lambda: None)
    met: list[tuple[str, BaseException]] = []
    registry.hooks.on_infrastructure_error(lambda error, where: met.append((where, error)))
    with broken(conn, "register_worker", "JQ008"), pytest.raises(pgq.UnsupportedClient) as raised:
        drain(dsn, registry)
    assert met == [("worker", raised.value)]


@pytest.mark.slow
def test_an_error_hook_that_hangs_holds_up_neither_the_loop_nor_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks = pgq.Hooks()
    go = threading.Event()
    met: list[str] = []

    @hooks.on_infrastructure_error
    def hang(error: BaseException, where: str) -> None:
        assert go.wait(20)
        met.append(where)

    async def storm() -> None:
        reports = ErrorReports(hooks)
        reports.add(OSError("first"), "0")
        await asyncio.sleep(0.01)
        for number in range(1, 1002):
            reports.add(OSError("next"), str(number))
        assert met == []
        go.set()
        await reports.flush(20)

    with caplog.at_level(logging.ERROR, "pgq"):
        asyncio.run(storm())
    assert met == [str(number) for number in range(1001)]
    assert sum("hook.hangs" in each.getMessage() for each in caplog.records) == 1
