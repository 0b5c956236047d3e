"""asyncmq.conf: where settings come from, and what they change."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import pgq
from pgq.contrib.asyncmq import Queue, Settings, Worker, conf, settings, task
from pgq.contrib.asyncmq.backends.postgres import PostgresBackend
from pgq.contrib.asyncmq.exceptions import PayloadTooLarge
from pgq.contrib.asyncmq.runners import run_worker
from tests.contrib.asyncmq.running import ended


class AppSettings(Settings):
    scan_interval = 0.25
    worker_concurrency = 7


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Settings as they are in a new process."""
    kept = vars(settings).pop("_settings", None)
    yield
    vars(settings)["_settings"] = kept


def test_they_come_from_the_class_that_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCMQ_SETTINGS_MODULE", f"{__name__}.AppSettings")
    monkeypatch.setenv("WORKER_CONCURRENCY", "3")
    assert (settings.scan_interval, settings.worker_concurrency) == (0.25, 3)
    assert Queue("q", "dbname=x").scan_interval == 0.25
    assert Worker("q").concurrency == 3
    assert settings.heartbeat_ttl == 30
    settings.worker_concurrency = 9
    assert settings.worker_concurrency == 9


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"ASYNCMQ_SETTINGS_MODULE": "nowhere.Settings"}, "nowhere"),
        ({"ASYNCMQ_SETTINGS_MODULE": f"{__name__}.json"}, "json"),
        ({"ASYNCMQ_SETTINGS_MODULE": f"{__name__}.Decimal"}, "is no Settings"),
        ({"WORKER_CONCURRENCY": "many"}, "WORKER_CONCURRENCY"),
        ({"SANDBOX_ENABLED": "yes"}, "no sandbox"),
    ],
)
def test_what_is_wrong_is_said(
    variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match=says):
        _ = settings.scan_interval


def test_a_class_may_have_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(AppSettings):
        port: int = 8000
        optional: str | None = None

        @property
        def address(self) -> str:
            return f"localhost:{self.port}"

        def post_init(self) -> None:
            self.known = self.port

    monkeypatch.setenv("PORT", "1234")
    mine = Mine(optional=None)
    assert (mine.port, mine.known, mine.optional) == (1234, 1234, None)
    assert mine.dict(include_properties=True)["address"] == "localhost:1234"
    assert ("PORT", 1234) in mine.tuple(upper=True, exclude_none=True)
    assert not {"port", "optional"} & {*mine.dict(exclude=["port"], exclude_none=True)}


def test_there_are_asyncmqs_names_and_no_others() -> None:
    with pytest.raises(ValueError, match="no setting worker_concurency"):
        Settings(worker_concurency=3)
    with pytest.raises(AttributeError):
        _ = settings.worker_concurency
    assert Settings(tasks=["a"]).tasks == ["a"]
    assert {each: getattr(Settings(), each) for each in conf.NEEDLESS} == {**conf.NEEDLESS}


def test_a_queue_uses_the_backend_of_the_settings(dsn: str) -> None:
    settings.backend = PostgresBackend(dsn)
    assert Queue("q").backend is settings.backend
    settings.backend = None
    settings.asyncmq_postgres_backend_url = dsn
    assert Queue("q").backend.dsn == dsn


def test_hooks_and_modules_of_a_worker(queue: Queue) -> None:
    told: list[Any] = []

    async def start(**given: Any) -> None:
        told.append(("start", given["queue"], given["backend"] is queue.backend))

    def stop(**given: Any) -> None:
        told.append(("stop", given["worker_id"]))
        raise OSError("said in the log")

    settings.worker_on_startup = start
    settings.worker_on_shutdown = [stop, stop]
    settings.tasks = ["tests.contrib.asyncmq.running"]
    worker = Worker(queue)

    async def run() -> None:
        await worker.drain()
        running = asyncio.create_task(worker.run())
        added = await queue.add("double", [2])
        assert await ended(queue, added) == ["completed"]
        await worker.drain()
        await running

    asyncio.run(run())
    assert told == [("start", "work", True), ("stop", worker.id)]
    settings.worker_on_startup = [lambda **_: 1 / 0]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(queue.run(until_empty=True))


def test_run_worker_is_a_worker(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = pgq.Registry()
    monkeypatch.setattr("pgq.tasks.registry", registry)

    @task("work")
    async def double(number: int) -> int:
        return number * 2

    async def run() -> None:
        backend = PostgresBackend(dsn)
        added = await double.enqueue(4, backend=backend)
        running = asyncio.create_task(
            run_worker("work", backend, repeatables=[{"task": double.task_id, "every": 3600}])
        )
        queue = Queue("work", backend)
        assert await ended(queue, added) == ["completed"]
        assert await backend.get_job_result("work", added) == 8
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        (found,) = await queue.list_repeatables()
        assert found.job_def["every"] == 3600
        await queue.close()

    asyncio.run(run())


def dumps(value: Any) -> str:
    def other(given: Any) -> Any:
        if isinstance(given, uuid.UUID | datetime | Decimal):
            return {"$": type(given).__name__, "is": str(given)}
        raise TypeError(type(given).__name__)

    return json.dumps(value, default=other)


def loads(text: str) -> Any:
    kinds = {"UUID": uuid.UUID, "Decimal": Decimal, "datetime": datetime.fromisoformat}
    return json.loads(
        text, object_hook=lambda found: kinds[found["$"]](found["is"]) if "$" in found else found
    )


def test_values_that_json_does_not_know(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = pgq.Registry()
    monkeypatch.setattr("pgq.tasks.registry", registry)
    settings.json_dumps, settings.json_loads = dumps, loads
    given = [uuid.uuid4(), datetime.now(UTC), Decimal("1.10")]

    @task("work", progress=True)
    def back(*args: Any, report_progress: Any, **kwargs: Any) -> Any:
        return {"args": [*args], "more": kwargs["more"]}

    async def run() -> None:
        queue = Queue("work", dsn, registry=registry)
        added = await queue.add(back.task_id, given, {"more": given[0]})
        bare = await queue.add(back.task_id, kwargs={"more": given[2]})
        with pytest.raises(pgq.InvalidJob, match="set"):
            await queue.add(back.task_id, [{1}])
        await queue.run(until_empty=True)
        found = await queue.get_job(added)
        assert found is not None
        assert (found["args"], found["kwargs"]) == (given, {"more": given[0]})
        assert found["result"] == {"args": given, "more": given[0]}
        assert await queue.get_job_result(bare) == {"args": [], "more": given[2]}
        await queue.close()

    asyncio.run(run())


def test_arguments_may_be_too_long(dsn: str) -> None:
    settings.max_job_payload_bytes = 30

    async def run() -> None:
        queue = Queue("work", dsn)
        await queue.add("t", ["x" * 20])
        with pytest.raises(PayloadTooLarge, match="49 bytes, and max_job_payload_bytes is 30"):
            await queue.add("t", ["x" * 40])
        await queue.close()

    asyncio.run(run())


def test_the_old_variable_is_not_needed() -> None:
    assert "ASYNCMQ_SETTINGS_MODULE" not in os.environ
    assert settings.scan_interval == 1.0
