"""Several databases as one queue: each job goes to a shard by its queue or by its key.

    async with pgq.AsyncShards(["dbname=one", "dbname=two"]) as shards:
        job_id = await shards.enqueue("send", {"user_id": 1}, queue="mail")

What is lost against one database: the caller's transaction, since a job is there as soon as the
call has returned; the order and the limits of a queue that is spread over shards; and all or none
of enqueue_many, where a connection breaks while the shards commit one after the other.
"""

from __future__ import annotations

import asyncio
import time

# blocking: from collections.abc import Callable, Iterable, Sequence
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar, Unpack

import psycopg

from pgq.calls import jobs as jobs_calls
from pgq.calls.call import Call
from pgq.client.clients_async import AsyncClient
from pgq.client.send_async import send_async
from pgq.client.shard_routes import Part, Routes, by_shard, elements, number_of
from pgq.errors import InvalidArgument, InvalidJob, SlotMoved
from pgq.jobs import NewJob
from pgq.lib.checks import as_ids, check_integer
from pgq.options import Args, JobOptions, OnConflict
from pgq.rows import Created, Job, JobResult, Outcome, Result, State
from pgq.tasks import AnyTask

T = TypeVar("T")
Outcomes: TypeAlias = list[Outcome]

# How long (seconds) to wait before the shards are asked again while a slot moves.
_PAUSE: Final = 0.1


class AsyncShards:
    """A client of a fleet; every shard must be named by a DSN. For all tasks of an event loop.

    patience: how long (seconds) an enqueue waits while its slot moves, before it raises SlotMoved.
    Calls about jobs go by their ids to one shard each. For all others, such as schedules and
    batches, `shard` returns a plain client of one, and `all_shards` those of all.
    """

    def __init__(
        self,
        dsns: Sequence[str],
        *,
        schema: str = "pgq",
        actor: str | Callable[[], str | None] | None = None,
        patience: float = 10.0,
    ) -> None:
        if isinstance(dsns, str) or not dsns:
            raise InvalidArgument("dsns must be a list of at least one DSN")
        self._clients = [AsyncClient(dsn, schema=schema, actor=actor) for dsn in dsns]
        self._patience = patience
        self._numbers: dict[int, AsyncClient] = {}
        self._routes: Routes | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.close()

    async def enqueue(
        self,
        task: str | AnyTask | NewJob,
        args: Args | None = None,
        *,
        on_conflict: OnConflict | None = None,
        **options: Unpack[JobOptions],
    ) -> int | None:
        """Add a job on its shard and return its id; see AsyncClient.enqueue.

        Raises InvalidJob where its queue or key, its parents and its batch are on several shards.
        """
        call: Call[int | None] = jobs_calls.enqueue(task, args, on_conflict=on_conflict, **options)
        given = dict(call.parameters)
        if given.get("depends_on"):
            given["depends_on"] = [int(each) for each in given["depends_on"].strip("{}").split(",")]

        async def add(routes: Routes) -> int | None:
            try:
                (part,) = routes.parts([given])
            except InvalidJob as error:
                raise InvalidJob(error.message.removeprefix("job 1: "), error.hint) from None
            client = await self._client(part.number)
            return await client.run(part.checked(call))

        return await self._routed(add)

    async def enqueue_many(self, jobs: Iterable[NewJob]) -> list[Created]:
        """Add jobs on their shards; answer id and created for each, in their order.

        Each shard stores its part before any commits, so that a job that is refused leaves none.
        Jobs that depend on each other go to one shard together.
        """
        call = jobs_calls.enqueue_many(jobs)
        listed = list(elements(call.parameters["jobs"]))
        if not listed:
            return []

        async def add(routes: Routes) -> list[Created]:
            parts = routes.parts([job for job, _ in listed])
            texts = [[listed[place][1] for place in part.places] for part in parts]
            with call.around():
                return await self._add_parts(call, parts, texts)

        return await self._routed(add)

    async def result(self, job_id: int, task: AnyTask | None = None) -> Result[Any] | None:
        """Say how a job stands and what came of it; None for an unknown or pruned job."""
        client = await self._home(job_id)
        return await client.run(jobs_calls.result(job_id, task))  # pyright: ignore

    async def job(self, job_id: int) -> Job | None:
        """Return all about a job; None for an unknown one."""
        client = await self._home(job_id)
        return await client.job(job_id)

    async def is_cancelled(self, job_id: int) -> bool:
        """Say whether a job ended as cancelled, or its worker has been asked to cancel it."""
        client = await self._home(job_id)
        return await client.is_cancelled(job_id)

    async def cancel(self, ids: Iterable[int] | int) -> list[Outcome]:
        """Cancel jobs on their shards; see AsyncClient.cancel. Answers in the order of the ids."""
        return await self._each(ids, lambda client, part: client.cancel(part))

    async def retry(
        self,
        ids: Iterable[int] | int,
        at: datetime | None = None,
        states: Iterable[State] | None = None,
    ) -> list[Outcome]:
        """Run finished jobs again, or waiting ones sooner; see AsyncClient.retry."""
        wanted = None if states is None else list(states)
        return await self._each(ids, lambda client, part: client.retry(part, at, wanted))

    async def discard(
        self, ids: Iterable[int] | int, states: Iterable[State] | None = None
    ) -> list[Outcome]:
        """Delete jobs for good; see AsyncClient.discard."""
        wanted = None if states is None else list(states)
        return await self._each(ids, lambda client, part: client.discard(part, wanted))

    async def run_now(self, ids: Iterable[int] | int) -> list[Outcome]:
        """Make scheduled jobs due now; see AsyncClient.run_now."""
        return await self._each(ids, lambda client, part: client.run_now(part))

    async def reprioritise(self, ids: Iterable[int] | int, priority: int) -> list[Outcome]:
        """Give waiting jobs another priority; see AsyncClient.reprioritise."""
        return await self._each(ids, lambda client, part: client.reprioritise(part, priority))

    async def wait(
        self,
        ids: Iterable[int] | int,
        timeout: timedelta | float | None = None,  # noqa: ASYNC109 (as AsyncClient.wait)
    ) -> list[JobResult[Any]]:
        """Wait until all of these jobs have ended; return how, in the order of the ids.

        Raises WaitTimeout like AsyncClient.wait.
        """
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        until = None if seconds is None else time.monotonic() + seconds
        wanted = _listed(ids)
        found: dict[int, JobResult[Any]] = {}
        for number, part in by_shard(wanted).items():
            left = None if until is None else max(0.0, until - time.monotonic())
            client = await self._client(number)
            found.update(zip(part, await client.wait(part, left), strict=True))
        return [found[each] for each in wanted]

    async def shard(
        self,
        queue: str | None = None,
        *,
        unique_key: str | None = None,
        concurrency_key: str | None = None,
        partition_key: str | None = None,
        job_id: int | None = None,
    ) -> AsyncClient:
        """Return a plain client of the shard where such a job goes, or where one is.

        Raises SlotMoved while that is not certain, InvalidArgument where it may be any shard.
        """
        if job_id is not None:
            return await self._home(job_id)
        routes = self._routes or await self._ask()
        keys = {"unique_key": unique_key, "concurrency_key": concurrency_key}
        job = {"queue": queue, "partition_key": partition_key, **keys}
        slot = routes.slot_of(job)
        if slot is None:
            raise InvalidArgument(f"the queue {queue} is on every shard", "Name a key as well.")
        return await self._client(routes.parts([job])[0].number)

    async def all_shards(self) -> dict[int, AsyncClient]:
        """Return plain clients of the shards that answer, by their numbers."""
        await self._ask()
        return dict(sorted(self._numbers.items()))

    async def _routed(self, add: Callable[[Routes], Coroutine[Any, Any, T]]) -> T:
        """Enqueue by what is known of the shards; ask them again where that has changed."""
        until = time.monotonic() + self._patience
        routes, asks = self._routes or await self._ask(), 0
        while True:
            try:
                return await add(routes)
            except SlotMoved:
                if time.monotonic() >= until:
                    raise
            if asks:
                await asyncio.sleep(_PAUSE)
            asks += 1
            routes = await self._ask()

    async def _add_parts(
        self, call: Call[list[Created]], parts: list[Part], texts: list[list[str]]
    ) -> list[Created]:
        """Store all parts, in the order of the shards, and then commit them one by one."""
        answers: dict[int, Created] = {}
        async with AsyncExitStack() as stack:
            for part, own in zip(parts, texts, strict=True):
                client = await self._client(part.number)
                parameters = {**call.parameters, "jobs": f"[{','.join(own)}]"}
                asked = part.checked(_with(call, parameters))
                # blocking: connection = stack.enter_context(client.connection())
                connection = await stack.enter_async_context(client.connection())
                # blocking: stack.enter_context(connection.transaction())
                await stack.enter_async_context(connection.transaction())
                try:
                    made = await send_async(connection, asked, client.schema)
                except InvalidJob as error:
                    raise part.of_all(error) from error
                answers.update(zip(part.places, made, strict=True))
        return [answers[place] for place in sorted(answers)]

    async def _each(
        self,
        ids: Iterable[int] | int,
        do: Callable[[AsyncClient, list[int]], Coroutine[Any, Any, Outcomes]],
    ) -> list[Outcome]:
        wanted = _listed(ids)
        found: dict[int, Outcome] = {}
        for number, part in by_shard(wanted).items():
            client = await self._client(number)
            found.update({each.job_id: each for each in await do(client, part)})
        return [found[each] for each in dict.fromkeys(wanted)]

    async def _home(self, job_id: int) -> AsyncClient:
        return await self._client(check_integer(job_id, "job_id") % 1024)

    async def _client(self, number: int) -> AsyncClient:
        """Return the client of a shard; raises psycopg's error where it does not answer."""
        if number not in self._numbers:
            await self._ask(number)
        if number not in self._numbers:
            raise InvalidArgument(f"no DSN is of shard {number}", "Name every shard of the fleet.")
        return self._numbers[number]

    async def _ask(self, needed: int | None = None) -> Routes:
        """Ask every shard what it knows; raises where `needed`, or every one, may be away."""
        maps = []
        numbers: dict[int, AsyncClient] = {}
        away: psycopg.OperationalError | None = None
        for client in self._clients:
            try:
                found = number_of(await client.shard_map())
            except psycopg.OperationalError as error:
                away = error
                continue
            if found.number in numbers:
                raise InvalidArgument(f"two DSNs are of shard {found.number}")
            numbers[found.number] = client
            maps.append(found)
        # One that was there before still has its number while it is away.
        for number, client in self._numbers.items():
            if client not in numbers.values():
                numbers.setdefault(number, client)
        self._numbers = numbers
        if away is not None and (not maps or (needed is not None and needed not in numbers)):
            raise away
        self._routes = Routes(maps)
        return self._routes


def _listed(ids: Iterable[int] | int) -> list[int]:
    return as_ids(ids)


def _with(call: Call[T], parameters: dict[str, Any]) -> Call[T]:
    return Call(call.template, parameters, call.read)
