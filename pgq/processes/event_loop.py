"""The event loop of a worker's process."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from pgq.lib.owners import guarded, worker_context
from pgq.lib.report import first_line, type_of
from pgq.lib.shield import wait_out
from pgq.logs import log_event

T = TypeVar("T")

# So many errors of the loop itself within a second mean that it is broken.
_MOST_ERRORS: Final = 10


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run like asyncio.run, but on uvloop where that is installed, and until `main` has ended.

    uvloop hands jobs to threads and takes their outcomes back at half the cost. What a handler's
    own tasks and callbacks raise to end the program, as sys.exit does, ends nothing but them.
    """
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        make: Callable[[], asyncio.AbstractEventLoop] | None = None
    else:
        make = uvloop.new_event_loop
    # Out here, or the missing module would be the context of every error in the loop.
    with asyncio.Runner(loop_factory=make) as runner, guarded(runner.get_loop()):
        return _run_in(runner, main)


def _run_in(runner: asyncio.Runner, main: Coroutine[Any, Any, T]) -> T:
    started: list[asyncio.Task[T]] = []

    async def until_its_end() -> None:
        if not started:
            started.append(asyncio.create_task(main))
        await wait_out(started[0], started[0].cancel)

    errors = _Errors()
    while not (started and started[0].done()):
        try:
            runner.run(until_its_end(), context=worker_context())
        except BaseException as error:
            if not started or started[0].done() or errors.end_it(error):
                raise
            kind, text = type_of(error), first_line(error)
            log_event(
                logging.ERROR, "loop.interrupted", error_type=kind, error=text,
                reason="raised by a task or a callback of a handler's, or by a signal; it goes on",
            )  # fmt: skip
    return started[0].result()


class _Errors:
    """What has come out of a loop that should go on."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_MOST_ERRORS)

    def end_it(self, error: BaseException) -> bool:
        """Return whether the loop must end: it is broken, or the program was interrupted."""
        if isinstance(error, KeyboardInterrupt):
            # While a worker catches the signal, only code can raise it.
            return signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if isinstance(error, SystemExit):
            return False
        now = time.monotonic()
        self._times.append(now)
        return len(self._times) == _MOST_ERRORS and now - self._times[0] < 1.0
