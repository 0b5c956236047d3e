"""Middleware: what surrounds the handler of every job of a worker.

    @pgq.add_middleware
    async def measure(context: pgq.Context, call_next: pgq.CallNext) -> None:
        began = time.monotonic()
        try:
            await call_next()
        finally:
            histogram.record(time.monotonic() - began, {"task": context.task})

    @pgq.add_middleware
    def close_connections(context: pgq.Context, call_next: pgq.CallNext) -> None:
        call_next()
        close_old_connections()

An async one surrounds all jobs, in the event loop; any other one only those jobs whose handlers run
in threads, in the handler's thread. `call_next` returns what the handler did, and raises what it
raised. Only what the handler returned or raised counts for the job, unless the middleware itself
raises. A middleware cannot change a result or hide an error, and its return value is ignored. It
must call `call_next` once, or raise.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pgq.errors import InvalidArgument
from pgq.lib.shapes import is_async

if TYPE_CHECKING:
    from pgq.context import Context

CallNext = Callable[[], Any]
"""What a middleware calls, and an async one awaits, for the handler to run."""
Middleware = Callable[["Context", CallNext], Any]
M = TypeVar("M", bound=Middleware)


class Chain:
    """Middleware in order, the outermost first."""

    def __init__(self, middleware: Iterable[Middleware]) -> None:
        given: list[Any] = list(middleware)
        for each in given:
            if not callable(each):
                hint = "Pass functions of a context and a call_next."
                raise InvalidArgument(f"the middleware {each!r} cannot be called", hint)
        self._async = [each for each in given if is_async(each)]
        self._blocking = [each for each in given if not is_async(each)]
        self.surrounds_threads = bool(self._async)

    async def run(self, context: Context, handler: Callable[[], Awaitable[Any]]) -> Any:
        """Run a handler inside of the async ones; return or raise what counts for the job."""
        innermost = _AsyncHandler(handler)
        step: CallNext = innermost
        for middleware in reversed(self._async):
            step = partial(_pass, middleware, context, step, innermost)
        return await step()

    def run_blocking(self, context: Context, handler: Callable[[], Any]) -> Any:
        """Run a handler inside of those that are not async, in this thread."""
        if not self._blocking:
            return handler()
        innermost = _Handler(handler)
        step: CallNext = innermost
        for middleware in reversed(self._blocking):
            step = partial(_pass_blocking, middleware, context, step, innermost)
        return step()


class _Handler:
    """The innermost step: calls the handler once and keeps how that ended."""

    def __init__(self, handler: Callable[[], Any]) -> None:
        self._handler = handler
        self._called = False
        self._value: Any = None
        self._error: BaseException | None = None

    def __call__(self) -> Any:
        self._begin()
        try:
            self._value = self._handler()
        except BaseException as error:
            self._error = error
            raise
        return self._value

    def answer(self) -> Any:
        """Return or raise what the handler did."""
        if not self._called:
            raise InvalidArgument(
                "a middleware returned without call_next", "Call it, or raise pgq.Cancel."
            )
        if self._error is not None:
            raise self._error
        return self._value

    def _begin(self) -> None:
        if self._called:
            raise InvalidArgument(
                "a middleware called call_next twice", "Raise pgq.Retry to run the job again."
            )
        self._called = True


class _AsyncHandler(_Handler):
    """The same for a handler to await."""

    async def __call__(self) -> Any:
        self._begin()
        try:
            self._value = await self._handler()
        except BaseException as error:
            self._error = error
            raise
        return self._value


async def _pass(
    middleware: Middleware, context: Context, call_next: CallNext, innermost: _AsyncHandler
) -> Any:
    """Run a middleware; return or raise what the handler did, whatever it makes of that."""
    await middleware(context, call_next)
    return innermost.answer()


def _pass_blocking(
    middleware: Middleware, context: Context, call_next: CallNext, innermost: _Handler
) -> Any:
    answer = middleware(context, call_next)
    if answer is not None and inspect.isawaitable(answer):
        # It would be over before the handler is, if it were awaited at all.
        if inspect.iscoroutine(answer):
            answer.close()
        raise InvalidArgument(
            f"the middleware {middleware!r} is not async and returns something to await",
            "Make it an `async def`.",
        )
    return innermost.answer()


def chain_of(*groups: Iterable[Middleware]) -> Chain | None:
    """Return the chain of all these, the first the outermost, each once; None for none."""
    chosen: list[Middleware] = []
    for each in itertools.chain(*groups):
        if each not in chosen:
            chosen.append(each)
    return Chain(chosen) if chosen else None
