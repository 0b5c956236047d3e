"""Reading the jobs of one queue page by page, in AsyncMQ's words for their states."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from pgq.client.clients_async import AsyncClient
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.reports import JobCount
from pgq.rows import ListedJob, State

DEFAULT_TYPES: Final = (
    "active", "completed", "delayed", "failed", "paused", "prioritized", "waiting",
    "waiting-children",
)  # fmt: skip

# The states of each type, and for blocked jobs what they wait for.
_STATES: Final[dict[str, tuple[tuple[str, ...], str | None]]] = {
    "waiting": (("ready", "blocked"), "semaphore"),
    "waiting-children": (("blocked",), "parents"),
    "delayed": (("scheduled",), None),
    "active": (("running",), None),
    "completed": (("succeeded",), None),
    "failed": (("failed",), None),
    "expired": (("expired",), None),
    "cancelled": (("cancelled",), None),
    # A queue is paused, and not its jobs; a priority is not a state.
    "paused": ((), None),
    "prioritized": ((), None),
}
_ALIASES: Final = {"wait": "waiting", "queued": "waiting"}
_TYPE_OF: Final = {"ready": "waiting", "scheduled": "delayed", "running": "active"} | {
    state: state for state in ("failed", "expired", "cancelled")
}


# How many jobs a page returns, and how many it looks at.
_PAGE: Final = 1000
_LOOK: Final = 100_000


def type_of(job: ListedJob) -> str:
    """Return a job's state in AsyncMQ's words."""
    if job.state == "blocked":
        return "waiting-children" if job.waits_for == "parents" else "waiting"
    return "completed" if job.state == "succeeded" else _TYPE_OF[job.state]


class _Wanted(NamedTuple):
    states: list[State]
    waits_for: list[str]

    def takes(self, job: ListedJob) -> bool:
        """Say whether a job of these states is wanted: if it is blocked, by what it waits for."""
        return job.state != "blocked" or job.waits_for in self.waits_for


def known_types(types: Iterable[str]) -> list[str]:
    """Return types, each once, without aliases; InvalidArgument for one that does not exist."""
    named = list(dict.fromkeys(_ALIASES.get(each, each) for each in types))
    for each in named:
        if each not in _STATES:
            raise InvalidValue(f"{each!r} is no state", f"It is one of {', '.join(_STATES)}.")
    return named


def _wanted(types: Iterable[str]) -> _Wanted:
    found = [_STATES[each] for each in known_types(types)]
    states = dict.fromkeys(state for states, _ in found for state in states)
    waits_for = [kind for _, kind in found if kind is not None]
    return _Wanted([cast("State", state) for state in states], waits_for)


def states_of(job_type: str) -> list[State]:
    """Return a type as states of ours."""
    return _wanted([job_type]).states


async def walk(
    client: AsyncClient, queue: str, types: Iterable[str], *, ascending: bool, **filters: Any
) -> AsyncIterator[ListedJob]:
    """Yield the jobs of a queue in the order of their ids, read page by page."""
    wanted = _wanted(types)
    further: int | None = None
    while wanted.states:
        page = await client.list_jobs(
            queue=queue,
            states=wanted.states,
            newest_first=not ascending,
            page_size=_PAGE,
            max_looked_at=_LOOK,
            after_id=further if ascending else None,
            before_id=None if ascending else further,
            **filters,
        )
        for job in page.jobs:
            if wanted.takes(job):
                yield job
        if page.looked_to is None:
            return
        further = page.looked_to


async def find(
    client: AsyncClient, queue: str, types: Sequence[str], start: int, end: int, *, ascending: bool
) -> list[ListedJob]:
    """Look up the jobs of a queue in the order of their ids, from a place to a place or the end."""
    found: list[ListedJob] = []
    if 0 <= end < max(0, start):
        return found
    place = 0
    async for job in walk(client, queue, types, ascending=ascending, details=True):
        if place >= start:
            found.append(job)
        if place == end:
            break
        place += 1
    return found


async def find_one(client: AsyncClient, queue: str, job_id: int) -> ListedJob | None:
    """Look up a job of a queue; None if it is in another queue, or pruned."""
    page = await client.list_jobs(
        queue=queue, after_id=job_id - 1, before_id=job_id + 1, details=True
    )
    return page.jobs[0] if page.jobs else None


def before(job_type: str, moment: datetime | None) -> dict[str, Any]:
    """Return filters for jobs that ended before a time; for live jobs, were added before it."""
    has_ended = not {"scheduled", "blocked", "ready", "running"}.intersection(states_of(job_type))
    return {"finished_before" if has_ended else "created_before": moment}


async def count(client: AsyncClient, queue: str, types: Sequence[str]) -> dict[str, int]:
    """Count the jobs of a queue by type; the answer has every type that was asked for."""
    counts: list[JobCount] = await client.count_jobs(queue, _wanted(types).states)
    found = {each.waits_for or str(each.state): each.jobs for each in counts}
    return {each: _sum(each, found) for each in known_types(types)}


def _sum(job_type: str, found: dict[str, int]) -> int:
    states, waits_for = _STATES[job_type]
    return sum(found.get(each, 0) for each in (*states, waits_for) if each is not None)
