"""Workers inside of somebody else's process."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from starlette.applications import Starlette

import pgq
from pgq.contrib import asgi
from tests.worker.hosts import without_lifespan
from tests.worker.running import PATIENCE


@pytest.fixture
def registry(registry: pgq.Registry) -> pgq.Registry:
    @registry.task("t")
    async def handle() -> str:
        return "done"

    return registry


def run(what: Coroutine[Any, Any, Any]) -> Any:
    async def in_time() -> Any:
        async with asyncio.timeout(PATIENCE * 2):
            return await what

    return asyncio.run(in_time())


def workers(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        return len(connection.execute("select from pgq.workers").fetchall())


async def assert_a_job_runs(dsn: str) -> None:
    async with pgq.AsyncClient(dsn) as client:
        ended = await client.wait([await client.enqueue("t")], PATIENCE)
        assert [each.result for each in ended] == ["done"]


@pytest.mark.slow
def test_it_works_while_the_block_runs(dsn: str, registry: pgq.Registry) -> None:
    async def block() -> None:
        before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        async with pgq.Worker(dsn, registry=registry) as worker:
            await assert_a_job_runs(dsn)
            assert workers(dsn) == 1
            during = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
            assert during == before
            with pytest.raises(pgq.InvalidArgument, match="is running"):
                await worker.run()
        assert workers(dsn) == 0

    run(block())


@pytest.mark.slow
def test_leaving_waits_for_running_jobs(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun = threading.Event()

    @registry.task("slow")
    async def slow() -> str:
        begun.set()
        await asyncio.sleep(0.5)
        return "to its end"

    async def block() -> None:
        async with pgq.Worker(dsn, registry=registry):
            assert await asyncio.to_thread(begun.wait, PATIENCE)

    job_id = client.enqueue("slow")
    run(block())
    assert [each.result for each in client.results([job_id])] == ["to its end"]


@pytest.mark.slow
def test_leaving_waits_no_longer_than_told(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun = threading.Event()

    @registry.task("endless")
    async def endless() -> None:
        begun.set()
        await asyncio.sleep(3600)

    async def block() -> None:
        async with pgq.Worker(dsn, registry=registry, shutdown_timeout=0.2):
            assert await asyncio.to_thread(begun.wait, PATIENCE)

    job_id = client.enqueue("endless")
    run(block())
    job = client.job(job_id)
    assert job and job.finished_at is None and (job.attempt, len(job.errors or [])) == (1, 1)


@pytest.mark.slow
def test_leaving_raises_what_ended_it(
    empty_dsn: str, registry: pgq.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async def block() -> None:
        async with pgq.Worker(empty_dsn, registry=registry, schema_timeout=0.1) as worker:
            await asyncio.wait({worker.task})
            await asyncio.sleep(0)
            assert "worker.ended" in caplog.text

    with pytest.raises(pgq.SchemaMissing):
        run(block())


@pytest.mark.slow
def test_an_error_of_the_block_goes_first(empty_dsn: str, registry: pgq.Registry) -> None:
    async def block() -> None:
        async with pgq.Worker(empty_dsn, registry=registry, schema_timeout=0.1) as worker:
            await asyncio.wait({worker.task})
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(block())


def test_one_without_tasks_is_refused_at_once(dsn: str) -> None:
    async def block() -> None:
        async with pgq.Worker(dsn, registry=pgq.Registry()):
            raise AssertionError("unreachable")

    with pytest.raises(pgq.InvalidArgument, match="no task"):
        run(block())


class Server:
    """What an ASGI server does with an application's lifespan."""

    def __init__(self, app: Any) -> None:
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.state: dict[str, Any] = {}
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self._task = asyncio.create_task(app(scope, self._told.get, self.answers.put))

    async def tell(self, event: str) -> dict[str, Any]:
        self._told.put_nowait({"type": f"lifespan.{event}"})
        return await self.answers.get()

    async def end(self) -> None:
        await self._task
        assert self.answers.empty()


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[Server, None]:
    server = Server(app)
    assert await server.tell("startup") == {"type": "lifespan.startup.complete"}
    yield server
    assert await server.tell("shutdown") == {"type": "lifespan.shutdown.complete"}
    await server.end()


async def without_answers(_scope: Any, _receive: Any, _send: Any) -> None:
    """Return from a lifespan without a word."""


@pytest.mark.slow
@pytest.mark.parametrize("app", [without_lifespan, without_answers, Starlette()])
def test_any_application_gets_a_worker(app: Any, dsn: str, registry: pgq.Registry) -> None:
    async def serve() -> None:
        async with served(asgi.with_worker(app, dsn=dsn, registry=registry)):
            await assert_a_job_runs(dsn)
            assert workers(dsn) == 1
        assert workers(dsn) == 0

    run(serve())


def test_requests_go_to_the_application(dsn: str, registry: pgq.Registry) -> None:
    async def serve() -> None:
        app = asgi.with_worker(without_lifespan, dsn=dsn, registry=registry)
        sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        await app({"type": "http"}, None, sent.put)
        assert sent.get_nowait()["status"] == 200
        assert sent.get_nowait()["body"] == b"hello"

    run(serve())


@pytest.mark.slow
def test_the_applications_lifespan_surrounds_the_worker(dsn: str, registry: pgq.Registry) -> None:
    story: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncGenerator[dict[str, Any], None]:
        story.append(f"starts with {workers(dsn)}")
        yield {"db": "pool"}
        story.append(f"stops with {workers(dsn)}")

    async def serve() -> None:
        app = asgi.with_worker(Starlette(lifespan=lifespan), dsn=dsn, registry=registry)
        async with served(app) as server:
            await assert_a_job_runs(dsn)
            assert server.state == {"db": "pool"}

    run(serve())
    assert story == ["starts with 0", "stops with 0"]


@pytest.mark.slow
def test_starlette_takes_it_as_its_lifespan(dsn: str, registry: pgq.Registry) -> None:
    async def serve() -> None:
        lifespan = asgi.lifespan(lambda: pgq.Worker(dsn, registry=registry))
        async with served(Starlette(lifespan=lifespan)):
            await assert_a_job_runs(dsn)

    run(serve())


def test_an_application_that_fails_to_start_gets_no_worker(
    dsn: str, registry: pgq.Registry
) -> None:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncGenerator[None, None]:
        raise OSError("no cache")
        yield

    async def serve() -> None:
        app = asgi.with_worker(Starlette(lifespan=lifespan), dsn=dsn, registry=registry)
        server = Server(app)
        answer = await server.tell("startup")
        assert answer["type"] == "lifespan.startup.failed"
        assert "no cache" in answer["message"]
        await server.end()

    run(serve())


def test_wrong_options_fail_the_start_and_stop_the_application(dsn: str) -> None:
    story: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncGenerator[None, None]:
        yield
        story.append("stopped")

    async def fail(**options: Any) -> str:
        server = Server(asgi.with_worker(Starlette(lifespan=lifespan), dsn=dsn, **options))
        answer = await server.tell("startup")
        await server.end()
        assert answer["type"] == "lifespan.startup.failed"
        return str(answer["message"])

    assert "concurrency is 0" in run(fail(concurrency=0))
    assert "no task" in run(fail(registry=pgq.Registry()))
    assert "no name for a lock" in run(fail(registry=pgq.Registry(accept_all=True), only_one="/"))
    assert story == ["stopped"] * 3
    with pytest.raises(pgq.InvalidArgument, match="besides"):
        asgi.with_worker(Starlette(), lambda: pgq.Worker(dsn), concurrency=1)


@pytest.mark.slow
def test_a_worker_that_fails_is_followed_by_another(
    dsn: str, registry: pgq.Registry, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[pgq.Worker] = []

    def make() -> pgq.Worker:
        schema = "pgq" if made else "elsewhere"
        made.append(pgq.Worker(dsn, registry=registry, schema=schema, schema_timeout=0.1))
        return made[-1]

    async def serve() -> None:
        async with served(asgi.with_worker(without_lifespan, make)):
            await assert_a_job_runs(dsn)

    with caplog.at_level(logging.ERROR, "pgq"):
        run(serve())
    assert len(made) == 2
    assert [each.message.split()[0] for each in caplog.records if each.name == "pgq"] == [
        "worker.ended",
        "worker.failed",
    ]


@pytest.mark.slow
def test_one_that_is_ordered_to_stop_stays_so(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    made: list[pgq.Worker] = []

    def make() -> pgq.Worker:
        made.append(pgq.Worker(dsn, registry=registry, lease=1))
        return made[-1]

    async def serve() -> None:
        async with served(asgi.with_worker(without_lifespan, make)):
            await assert_a_job_runs(dsn)
            client.order_worker(client.worker_status()[0].id, "stop")
            await asyncio.wait({made[0].task})
            await asyncio.sleep(0.1)
            assert (len(made), workers(dsn)) == (1, 0)

    run(serve())


@pytest.mark.slow
def test_only_one_of_a_name_works_and_the_next_takes_over(dsn: str, registry: pgq.Registry) -> None:
    async def serve() -> None:
        apps = [
            asgi.with_worker(without_lifespan, dsn=dsn, registry=registry, only_one=f"t-{id(dsn)}")
            for _ in range(2)
        ]
        async with served(apps[1]):
            async with served(apps[0]):
                await assert_a_job_runs(dsn)
                assert workers(dsn) == 1
            await assert_a_job_runs(dsn)
            assert workers(dsn) == 1

    run(serve())
