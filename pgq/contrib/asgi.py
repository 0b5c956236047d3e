"""A worker in the process of an ASGI application: Starlette, FastAPI, Django, or any other.

    from pgq.contrib import asgi

    app = asgi.with_worker(app, dsn=DSN, queues=["mail"])              # around any application
    app = Starlette(lifespan=asgi.lifespan(dsn=DSN, queues=["mail"]))  # as its lifespan

The worker starts with the server, and stops in order with it. It leaves signals to the server.
Wrong options end the server at its start. If a worker fails later, the error is logged and another
worker starts; the application goes on.

Every process of the server has a worker of its own. With `only_one="shop"` only one process of the
host has a worker, and when that process is gone, the next one takes over. Async handlers share the
event loop with requests, and handlers in threads share the interpreter. So run jobs that compute in
a process of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from pgq.errors import InvalidArgument
from pgq.lib.report import first_line
from pgq.logs import log_event
from pgq.processes.background import in_background
from pgq.worker.worker import Worker

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
MakeWorker = Callable[[], Worker]

# How long (seconds) the server's end waits for running jobs; it is usually killed after 30.
SHUTDOWN_TIMEOUT: Final = 25.0


def with_worker(
    app: App, make_worker: MakeWorker | None = None, *, only_one: str | None = None, **options: Any
) -> App:
    """Return the application with a worker that runs while the server does.

    Pass the options of pgq.Worker, or a function that makes one. shutdown_timeout is 25 seconds
    unless the options say otherwise.

    The server's lifespan events go to the application too. It starts before the worker, and stops
    after it. An application that does not know these events, such as Django's, works too.
    """
    make = _maker(make_worker, options)

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _run_lifespan(_Inner(app, scope), make, only_one, receive, send)
        else:
            await app(scope, receive, send)

    return wrapped


def lifespan(
    make_worker: MakeWorker | None = None, *, only_one: str | None = None, **options: Any
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return what Starlette and FastAPI take as `lifespan`; for the arguments see `with_worker`.

    If you call it with an application, or with None, you get an asynchronous context manager.
    Inside a lifespan of your own, write `async with pgq.contrib.asgi.lifespan(…)(app):`.
    """
    make = _maker(make_worker, options)

    @asynccontextmanager
    async def running(_app: Any) -> AsyncGenerator[None, None]:
        async with in_background(make, only_one):
            yield

    return running


def _maker(make_worker: MakeWorker | None, options: dict[str, Any]) -> MakeWorker:
    if make_worker is not None:
        if options:
            message = "a function that makes the worker, and options besides"
            raise InvalidArgument(message, "Pass one of them.")
        return make_worker
    return lambda: Worker(**{"shutdown_timeout": SHUTDOWN_TIMEOUT, **options})


async def _run_lifespan(
    inner: _Inner, make: MakeWorker, only_one: str | None, receive: Receive, send: Send
) -> None:
    """Answer the server's two events; if the start fails, the answer says so."""
    await receive()
    if refusal := await inner.start():
        await send(refusal)
        return
    has_started = False
    try:
        async with in_background(make, only_one):
            has_started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send(await inner.stop())
    except Exception as error:
        if has_started:
            raise
        await inner.stop()
        message = f"pgq worker: {first_line(error)}"
        await send({"type": "lifespan.startup.failed", "message": message})
    finally:
        inner.give_up()


class _Inner:
    """The lifespan of the application inside, which may not have one."""

    def __init__(self, app: App, scope: Message) -> None:
        self._app = app
        self._scope = scope
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        # None: it will say nothing more.
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._has_ended = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> Message | None:
        """Start it; if it fails, return what to answer."""
        self._task = asyncio.create_task(self._run())
        answer = await self._ask("lifespan.startup")
        return answer if answer and answer["type"] == "lifespan.startup.failed" else None

    async def stop(self) -> Message:
        """Stop it; return what to answer."""
        return await self._ask("lifespan.shutdown") or {"type": "lifespan.shutdown.complete"}

    def give_up(self) -> None:
        """Cancel it if it still runs."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self, event: str) -> Message | None:
        """Tell it an event; None if it does not know such events, or does not listen any more."""
        if self._has_ended:
            return None
        self._events.put_nowait({"type": event})
        answer = await self._answers.get()
        self._has_ended = answer is None
        return answer

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._events.get, self._answers.put)
        except Exception as error:  # noqa: BLE001 (so an application says that it knows no lifespan)
            log_event(logging.DEBUG, "asgi.no_lifespan", error=first_line(error))
        finally:
            self._answers.put_nowait(None)
