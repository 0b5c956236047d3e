"""A handler that would end its worker, its neighbours or their loop ends at most its own run."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

import pgq
from pgq.lib.report import type_of
from pgq.processes import event_loop
from tests.worker.running import PATIENCE, finished

Handler = Callable[[], Awaitable[Any] | Any]


def cancel_all(tasks: set[asyncio.Task[Any]] | None = None) -> None:
    for task in asyncio.all_tasks() if tasks is None else tasks:
        task.cancel()


async def cancels_all() -> None:
    cancel_all()
    await asyncio.sleep(0)


async def cancels_all_and_stays() -> str:
    cancel_all()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return "stayed"
    return "never"


async def cancels_all_others() -> None:
    cancel_all(asyncio.all_tasks() - {asyncio.current_task()})  # type: ignore[arg-type]


async def cancels_all_again_and_again() -> None:
    for _ in range(50):
        await cancels_all_others()
        await asyncio.sleep(0.001)


async def cancels_all_in_a_task_of_its_own() -> None:
    await asyncio.create_task(cancels_all())


async def cancels_all_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(cancel_all)
    await asyncio.sleep(60)


async def cancels_all_later() -> None:
    asyncio.get_running_loop().call_later(0.2, cancel_all)


async def cancels_itself() -> None:
    asyncio.current_task().cancel()  # type: ignore[union-attr]
    await asyncio.sleep(0)


async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)


async def stops_the_loop_later() -> None:
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.stop)
    await asyncio.sleep(0.1)


async def closes_the_loop() -> None:
    asyncio.get_running_loop().close()


async def takes_the_executor() -> None:
    await asyncio.get_running_loop().shutdown_default_executor()


async def ends_generators() -> None:
    await asyncio.get_running_loop().shutdown_asyncgens()


async def sets_a_handler_of_errors() -> None:
    def fail(*_: Any) -> None:
        raise ValueError("of the handler of errors")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(fail)
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.05)


def raising(error: BaseException) -> Handler:
    async def handle() -> None:
        raise error

    return handle


def raising_in_thread(error: BaseException) -> Handler:
    def handle() -> None:
        raise error

    return handle


# What it does; the state of its job, and the type of its error.
CASES: dict[str, tuple[Handler, str, str]] = {
    **{
        each.__name__: (each, "failed", "asyncio.exceptions.CancelledError")
        for each in (
            cancels_all, cancels_all_in_a_task_of_its_own, cancels_all_in_a_callback, cancels_itself
        )
    },
    **{
        each.__name__: (each, "succeeded", "")
        for each in (
            cancels_all_and_stays, cancels_all_others, cancels_all_again_and_again,
            cancels_all_later, sets_a_handler_of_errors, stops_the_loop_later,
        )
    },
    **{
        each.__name__: (each, "failed", "RuntimeError")
        for each in (stops_the_loop, closes_the_loop, takes_the_executor, ends_generators)
    },
    **{
        f"raises {type(error).__name__}{where}": (
            make(error), "failed", type_of(error)
        )
        for error in (SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError())
        for make, where in ((raising, ""), (raising_in_thread, " in a thread"))
    },
}  # fmt: skip


class Scene:
    """A worker with one handler that reaches out, and neighbours that wait for their word."""

    def __init__(self, dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
        self.client, self.registry, self.dsn = client, registry, dsn
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ids: dict[str, int] = {}

        async def until() -> str:
            self.begun.release()
            while not self.go_on.is_set():  # noqa: ASYNC110 (it is set in another thread)
                await asyncio.sleep(0.01)
            return "whole"

        @registry.task("alone")
        async def alone() -> str:
            return await until()

        @registry.task("by tasks")
        async def by_tasks() -> str:
            return "".join(set(await asyncio.gather(until())))

        @registry.task("in a thread")
        def in_a_thread() -> str:
            self.begun.release()
            self.go_on.wait(PATIENCE)
            return "whole"

        @registry.task("thread that awaits")
        def in_a_thread_awaiting() -> Any:
            return until()

    NEIGHBOURS = ("alone", "by tasks", "in a thread", "thread that awaits")

    def begin(self) -> None:
        """Enqueue the neighbours, and wait until all have begun."""
        for name in self.NEIGHBOURS:
            self.ids[name] = self.client.enqueue(name, max_attempts=1)
        for _ in self.ids:
            assert self.begun.acquire(timeout=PATIENCE)

    def check(self) -> None:
        """Nobody was harmed: all is done, at the first attempt."""
        self.go_on.set()
        for name, job_id in self.ids.items():
            (job,) = self.client.wait(job_id, timeout=PATIENCE)
            assert (name, job.state, job.result) == (name, "succeeded", "whole")
            assert self.client.job(job_id).attempt == 1  # type: ignore[union-attr]
        assert self.client.verify() == []


@pytest.fixture
def scene(dsn: str, registry: pgq.Registry, client: pgq.Client) -> Scene:
    return Scene(dsn, registry, client)


Runner = Callable[[Coroutine[Any, Any, None]], None]


def on_asyncio_of_ours(main: Coroutine[Any, Any, None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "uvloop", None)
        event_loop.run(main)


OURS: list[Runner] = [on_asyncio_of_ours, event_loop.run]


@contextmanager
def working(scene: Scene, run: Runner, **options: Any) -> Generator[None, None, None]:
    """Run a worker in a thread until the end of the block; it must not end before."""
    worker = pgq.Worker(scene.dsn, registry=scene.registry, poll_interval=0.2, **options)
    loops: list[asyncio.AbstractEventLoop] = []
    errors: list[BaseException] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await worker.run()

    def work() -> None:
        try:
            run(main())
        except BaseException as error:  # noqa: BLE001 (shown below)
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
        assert thread.is_alive() and not errors
    finally:
        scene.go_on.set()
        with suppress(RuntimeError, IndexError):
            loops[0].call_soon_threadsafe(worker.stop)
        thread.join(PATIENCE)
    assert not errors and not thread.is_alive()


def worker_ids(conn: psycopg.Connection) -> list[Any]:
    return conn.execute("select id from pgq.workers order by id").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("run", [asyncio.run, *OURS], ids=["program", "asyncio", "uvloop"])
@pytest.mark.parametrize("case", CASES)
def test_only_its_own_run_ends(
    scene: Scene, conn: psycopg.Connection, case: str, run: Runner
) -> None:
    handler, state, error = CASES[case]
    scene.registry.task("reaches")(handler)
    with working(scene, run):
        scene.begin()
        before = worker_ids(conn)
        job = finished(scene.client, scene.client.enqueue("reaches", max_attempts=1))
        assert (job.state, job.attempt) == (state, 1)
        assert [each["type"] for each in job.errors or ()] == [error] * (state == "failed")
        scene.check()
        assert worker_ids(conn) == before


async def exits_in_a_task() -> None:
    async def leave() -> None:
        sys.exit(3)

    await asyncio.create_task(leave())


async def exits_in_a_task_of_a_group() -> None:
    async def leave() -> None:
        sys.exit(3)

    async with asyncio.TaskGroup() as group:
        group.create_task(leave())


async def exits_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.sleep(0.1)


async def exits_in_many_callbacks() -> None:
    for _ in range(30):
        asyncio.get_running_loop().call_soon(sys.exit, 3)
        await asyncio.sleep(0)


@pytest.mark.slow
@pytest.mark.parametrize("run", OURS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("handler", "state"),
    [
        (exits_in_a_task, "failed"),
        (exits_in_a_task_of_a_group, "failed"),
        (exits_in_a_callback, "succeeded"),
        (exits_in_many_callbacks, "succeeded"),
    ],
)
def test_the_loop_of_our_processes_goes_on(
    scene: Scene, handler: Handler, state: str, run: Runner
) -> None:
    scene.registry.task("exits")(handler)
    with working(scene, run):
        scene.begin()
        job = finished(scene.client, scene.client.enqueue("exits", max_attempts=1))
        assert (job.state, job.attempt) == (state, 1)
        scene.check()


@pytest.mark.slow
def test_a_program_may_cancel_all_that_it_has(scene: Scene) -> None:
    """As many do at a signal: that ends the worker, which hands back what it ran."""
    scene.ids["alone"] = scene.client.enqueue("alone", max_attempts=1)

    async def main() -> None:
        run = asyncio.create_task(pgq.Worker(scene.dsn, registry=scene.registry).run())
        while not scene.begun.acquire(blocking=False):  # noqa: ASYNC110 (a thread's)
            await asyncio.sleep(0.01)
        cancel_all(asyncio.all_tasks() - {asyncio.current_task()})  # type: ignore[arg-type]
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    job = scene.client.job(scene.ids["alone"])
    assert job is not None and (job.state, job.attempt) == ("ready", 0)


@pytest.mark.slow
def test_a_handler_may_stop_its_worker(scene: Scene) -> None:
    """With a limit, too: what hangs is cancelled then, no matter who has asked."""
    workers: list[pgq.Worker] = []

    async def stop() -> None:
        workers[0].stop()

    async def hang() -> None:
        await asyncio.sleep(60)

    scene.registry.task("stop")(stop)
    scene.registry.task("hang")(hang)

    async def main() -> None:
        workers.append(pgq.Worker(scene.dsn, registry=scene.registry, shutdown_timeout=2))
        await workers[0].run()

    scene.client.enqueue_many([pgq.NewJob("hang"), pgq.NewJob("stop")])
    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10


def test_what_was_there_before_is_there_again(scene: Scene) -> None:
    made: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, run: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(run)
        return asyncio.Task(run, loop=loop, **options)

    async def nothing() -> None:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        async with pgq.Worker(scene.dsn, registry=scene.registry):
            async with pgq.Worker(scene.dsn, registry=scene.registry):
                pass
            before = len(made)
            task = asyncio.create_task(nothing())
            assert type(task) is asyncio.Task and len(made) == before + 1
            await task
        assert loop.get_task_factory() is factory and "stop" not in vars(loop)

    asyncio.run(main())
