"""A client: every SQL function and every lookup as a method.

    async with pgq.AsyncClient("postgresql://…") as client:
        await client.enqueue("send", {"user_id": 1}, queue="mail")

The transaction of a call depends on what the client is made from:

- a DSN: one connection of the client's own, opened by the first call, and by the next call after
  it broke. Every call is a transaction. Calls from several threads or tasks take turns.
- a pool: every call borrows a connection and is a transaction.
- a connection: every call runs in that connection's current transaction, whatever its state, and
  the client never commits nor rolls back. A job so enqueued exists if and only if the caller
  commits.
- a Connection or a Session of SQLAlchemy's, or their async likes, whose engine is
  postgresql+psycopg: the same, in its transaction, which a call begins where there is none.

In a child made by `fork` a client made from a DSN opens a connection of its own. A pool or a
connection of yours belongs to the parent: in the child the client refuses to use it.

After its connection broke, a client made from a DSN tries for `reconnect_timeout` seconds to open
another one, so that a call waits for a server that starts again or for a standby that takes over.
(Once these have passed, each call tries once, until one succeeds.) It does so before it sends
anything. If the connection breaks later, nobody knows what became of the call, and it raises
psycopg.OperationalError. The exception is an enqueue with a unique_key, which is sent again: if the
first one was committed and its job still has the key, that job is the answer. If the job has given
the key back meanwhile, a second job is made; unique_for keeps a key for longer.

With `actor`, each call that changes something as an operator is noted under that name beside the
login: a name, or a function that says who acts now. The name holds to the end of the transaction,
so also for what you do yourself in a transaction of yours.

A DSN may lead through a transaction pooler; then there is no session state. Otherwise the client's
own connection is read committed, whatever the database's default is, and prepares `enqueue` after
a few calls, as does a connection that was given, by its prepare_threshold.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import psycopg

from pgq.calls.call import Call
from pgq.client import awaited
from pgq.client.awaited import Awaited
from pgq.client.connections_async import AsyncOwnConnection, borrowed_async
from pgq.client.following_async import followed_async
from pgq.client.methods_async import AsyncMethods
from pgq.client.send_async import send_as_async, send_async
from pgq.client.sending_async import presented
from pgq.client.sources import ASYNC_SOURCES, inherited, is_alchemy, is_open, is_pool, refused
from pgq.client.waiting_async import waited_async
from pgq.lib.checks import check_seconds
from pgq.lib.forks import tell_of_fork
from pgq.reports import JobEvent
from pgq.schema.names import Names

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

    AsyncSource = (
        str | AsyncConnectionPool[Any] | psycopg.AsyncConnection[Any] | AsyncConnection
        | AsyncSession
    )  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def _waiting(
    build: Callable[P, Awaited[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """Make the method that waits for what `build` returns."""

    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await waited_async(build(*args, **kwargs), self.run, self._dsn, self.schema)

    return presented(method, build)


class AsyncClient(AsyncMethods):
    # blocking: """Blocking client; the module's text says what it may be made from. For all threads."""
    """Async client; the module's text says what it may be made from. For one event loop."""

    def __init__(
        self,
        source: AsyncSource,
        *,
        schema: str = "pgq",
        actor: str | Callable[[], str | None] | None = None,
        reconnect_timeout: float = 10.0,
    ) -> None:
        self.schema = Names(schema).schema
        patience = check_seconds(reconnect_timeout, "reconnect_timeout")
        if not isinstance(source, str | psycopg.AsyncConnection) and not (
            is_alchemy(source, ASYNC_SOURCES) or is_pool(source, is_async=True)
        ):
            raise refused(source, is_async=True)
        self._source = source
        self._lent = AsyncOwnConnection(source, patience) if isinstance(source, str) else None
        self._actor = actor
        self._is_inherited = False
        tell_of_fork(self, type(self)._note_fork)

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
        """Close the connection that a DSN made; a pool or connection that was given stays open."""
        if self._lent is not None:
            await self._lent.close()

    async def run(self, call: Call[T]) -> T:
        """Send a call; errors of ours are raised as such, all others are psycopg's."""
        with call.around():
            try:
                return await self._send(call)
            except psycopg.OperationalError:
                if not (call.repeats and self._lent is not None and self._lent.is_broken):
                    raise
            # Its answer was lost; the key of the job stands for it.
            return await self._send(call)

    async def _send(self, call: Call[T]) -> T:
        async with self.connection() as connection:
            if call.audited and (actor := self._named()):
                return await send_as_async(connection, call, self.schema, actor)
            return await send_async(connection, call, self.schema)

    def _named(self) -> str | None:
        """Return who acts now."""
        return self._actor() if callable(self._actor) else self._actor

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        # blocking: """Lend the connection that calls are sent on, alone in this thread while it is lent.
        """Lend the connection that calls are sent on, alone in this task while it is lent.

        The one of a DSN is read committed, unless you begin a transaction that is not.
        """
        if self._lent is not None:
            return self._lent
        if self._is_inherited:
            raise inherited()
        if isinstance(self._source, psycopg.AsyncConnection):
            return nullcontext(self._source)
        if is_alchemy(self._source, ASYNC_SOURCES):
            return borrowed_async(self._source)
        pool: AsyncConnectionPool[Any] = cast("Any", self._source)
        return pool.connection()

    def _note_fork(self) -> None:
        self._is_inherited = is_open(self._source)

    @property
    def _dsn(self) -> str | None:
        return self._source if isinstance(self._source, str) else None

    wait = _waiting(awaited.wait)
    wait_batch = _waiting(awaited.wait_batch)

    def events(
        self, cursor: int | None = None, *, every: float = 1.0
    ) -> AsyncGenerator[JobEvent, None]:
        """Yield how jobs and runs end, from now on, or since a cursor, until it is closed.

        An outcome is there about a second after its commit. A client made from a DSN opens a
        connection to be woken; any other one, and through a pooler, asks `every` so many seconds.
        None is missed, however late it commits. To go on after a break keep the `next_cursor` of an
        event once all that have the same one are dealt with; it is good for an hour. Every question
        is a transaction: not for a connection that is in one.
        """
        return followed_async(self.run, self._dsn, self.schema, cursor, every)
