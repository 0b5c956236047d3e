"""dj-queue's `hooks`, over pgq.hooks: callbacks get a pgq.Process.

A worker of pgq is worker, dispatcher and scheduler in one, so it runs the hooks of all three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pgq import tasks
from pgq.errors import InvalidArgument
from pgq.hooks import Kind

C = TypeVar("C", bound=Callable[..., Any])

_KINDS: dict[str, Kind] = {
    "supervisor": "supervisor",
    "worker": "worker",
    "dispatcher": "worker",
    "scheduler": "worker",
}
_EVENTS = ("start", "stop", "exit")


def register_hook(event: str, fn: Callable[..., Any] | None = None) -> Any:
    """Add a hook for "worker.start", "supervisor.exit" and so on; a decorator without `fn`."""
    who, _, when = event.partition(".")
    if who not in _KINDS or when not in _EVENTS:
        raise InvalidArgument(
            f"there is no event {event!r}",
            f"Name one of {', '.join(_KINDS)}, a dot, and one of {', '.join(_EVENTS)}.",
        )
    hooks: Any = tasks.registry.hooks
    register = getattr(hooks, f"on_{when}")(kind=_KINDS[who])
    return register if fn is None else register(fn)


def on_start(fn: C) -> C:
    """Add a hook for the start of a supervisor; register_hook does it for the others."""
    register_hook("supervisor.start", fn)
    return fn


def on_stop(fn: C) -> C:
    """Add a hook for the moment when a supervisor is told to stop."""
    register_hook("supervisor.stop", fn)
    return fn


def on_exit(fn: C) -> C:
    """Add a hook for the end of a supervisor."""
    register_hook("supervisor.exit", fn)
    return fn


def on_worker_start(fn: C) -> C:
    """Add a hook for the start of a worker."""
    register_hook("worker.start", fn)
    return fn


def on_worker_stop(fn: C) -> C:
    """Add a hook for the moment when a worker is told to stop."""
    register_hook("worker.stop", fn)
    return fn


def on_worker_exit(fn: C) -> C:
    """Add a hook for the end of a worker."""
    register_hook("worker.exit", fn)
    return fn


on_dispatcher_start = on_scheduler_start = on_worker_start
on_dispatcher_stop = on_scheduler_stop = on_worker_stop
on_dispatcher_exit = on_scheduler_exit = on_worker_exit
