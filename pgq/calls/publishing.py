"""Where tracing sees the jobs that are about to be enqueued; nothing happens here without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pgq.calls.call import Call
from pgq.jobs import NewJob

T = TypeVar("T")


class Publisher(Protocol):
    """Changes jobs before they are enqueued, and surrounds the call that does it."""

    def __call__(
        self, jobs: Sequence[NewJob], build: Callable[[Sequence[NewJob]], Call[T]]
    ) -> Call[T]:
        """Return what `build` makes of the jobs, or of others in their places."""
        ...


publisher: Publisher | None = None


def published(jobs: Sequence[NewJob], build: Callable[[Sequence[NewJob]], Call[T]]) -> Call[T]:
    """Return the call that enqueues jobs."""
    return build(jobs) if publisher is None else publisher(jobs, build)
