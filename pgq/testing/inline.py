"""Running jobs where they are enqueued, for tests."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from unittest import mock

from pgq import tasks
from pgq.calls.call import Call
from pgq.client.clients import Client
from pgq.client.clients_async import AsyncClient
from pgq.testing.draining import drain, drain_async

_ENQUEUES = re.compile(r"\{schema\}\.enqueue(?:_many)?\(")
_running: ContextVar[bool] = ContextVar("pgq_inline", default=False)


@contextmanager
def inline(
    registry: tasks.Registry | None = None, *, raise_errors: bool = True
) -> Generator[None, None, None]:
    """Within the block, run jobs as soon as a client of this process has enqueued some.

    They run as `drain` runs them, on that client, so in its transaction. The call that enqueued
    them returns afterwards. Other ready jobs run with them, and so do jobs that they enqueue. If an
    attempt fails, that call raises AssertionError, unless `raise_errors` is false. Jobs that are
    due later wait for `drain`. Jobs that SQL has enqueued are not noticed.
    """
    run, run_async = Client.run, AsyncClient.run

    def run_at_once(self: Client, call: Call[Any]) -> Any:
        answer = run(self, call)
        if _is_outermost(call):
            with _marked():
                drain(self, registry, raise_errors=raise_errors)
        return answer

    async def run_at_once_async(self: AsyncClient, call: Call[Any]) -> Any:
        answer = await run_async(self, call)
        if _is_outermost(call):
            with _marked():
                await drain_async(self, registry, raise_errors=raise_errors)
        return answer

    with (
        mock.patch.object(Client, "run", run_at_once),
        mock.patch.object(AsyncClient, "run", run_at_once_async),
    ):
        yield


def _is_outermost(call: Call[Any]) -> bool:
    return not _running.get() and _ENQUEUES.search(call.template) is not None


@contextmanager
def _marked() -> Generator[None, None, None]:
    before = _running.set(True)
    try:
        yield
    finally:
        _running.reset(before)
