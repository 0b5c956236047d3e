"""A worker process beside gunicorn: hooks for gunicorn.conf.py.

    from pgq.contrib import gunicorn

    when_ready, on_reload, on_exit = gunicorn.hooks("app.tasks", "--concurrency", "20")

The worker is a child of the arbiter, and not a thread in a web worker. So gunicorn's timeout does
not kill jobs, max_requests does not interrupt them, gevent does not patch them, and one worker
serves all web workers. When it dies, it is started again. It stops in order when gunicorn stops,
even if gunicorn was killed. After a reload, a new worker replaces it, which has imported the new
code.

`from pgq.contrib.gunicorn import when_ready, on_reload, on_exit` does the same for a `pgq worker`
without arguments, whose modules are in pgq.toml.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from pgq.lib.locks import check_name

Hook = Callable[[Any], None]

# How long (seconds) a worker takes to end when it is told to end at once.
_ENDING_AT_ONCE: Final = 8.0

# The guards that this process has started. A module keeps them when gunicorn reloads its settings.
_guards: Final[list[subprocess.Popen[bytes]]] = []


class Hooks(NamedTuple):
    """The hooks that gunicorn calls in its arbiter."""

    when_ready: Hook
    on_reload: Hook
    on_exit: Hook


def hooks(
    *arguments: str,
    only_one: str | None = None,
    stop_timeout: float = 30.0,
    program: Literal["pgq", "django"] = "pgq",
) -> Hooks:
    """Return hooks that run `pgq worker` with these arguments, options included.

    only_one: a name that only one such process of this host can hold, whatever gunicorn it belongs
    to. The others stand by; when it is gone, one takes over. stop_timeout: how long (seconds)
    gunicorn waits for running jobs when it ends. After that they are lost runs, which are retried.
    program: "django" runs `python -m django pgq worker` instead.
    """
    if only_one is not None:
        check_name(only_one)
    given = [only_one or "", program, *arguments]

    def start(_arbiter: Any) -> None:
        # Ctrl-C in a terminal goes to the whole group: gunicorn hears it, and stops the guard.
        command = [sys.executable, "-m", "pgq.processes.guard", "guard", f"{os.getpid()}", *given]
        guard = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        _guards.append(guard)

    def replace(arbiter: Any) -> None:
        for guard in _guards:
            guard.terminate()
        start(arbiter)

    def stop(_arbiter: Any) -> None:
        for patience in (stop_timeout, _ENDING_AT_ONCE):
            for guard in _guards:
                guard.terminate()
            _await_ends(patience)
        for guard in _guards:
            guard.kill()

    return Hooks(start, replace, stop)


def _await_ends(patience: float) -> None:
    """Wait for the guards that still run, and forget those that have ended."""
    deadline = time.monotonic() + patience
    for guard in [*_guards]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            guard.wait(max(0.0, deadline - time.monotonic()))
            _guards.remove(guard)


when_ready, on_reload, on_exit = hooks()
