"""Reading the jobs of one queue page by page, in AsyncMQ's words for their states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from pgq.calls import operate as operator_calls
from pgq.calls.call import Call, Row, rows_as, values
from pgq.calls.columns import read_json
from pgq.errors import InvalidArgument
from pgq.rows import Job, JobCount, State
from pgq.values import moment_text

DEFAULT_TYPES: Final = (
    "active", "completed", "delayed", "failed", "paused", "prioritized", "waiting",
    "waiting-children",
)  # fmt: skip

# Each type as states, and for the blocked ones what they wait for.
_STATES: Final[dict[str, tuple[tuple[str, ...], str | None]]] = {
    "waiting": (("ready", "blocked"), "semaphore"),
    "waiting-children": (("blocked",), "parents"),
    "delayed": (("scheduled",), None),
    "active": (("running",), None),
    "completed": (("succeeded",), None),
    "failed": (("failed",), None),
    "expired": (("expired",), None),
    "cancelled": (("cancelled",), None),
    # A queue is paused, not its jobs; and priorities are no state.
    "paused": ((), None),
    "prioritized": ((), None),
}
_ALIASES: Final = {"wait": "waiting", "queued": "waiting"}
_TYPE_OF: Final = {"ready": "waiting", "scheduled": "delayed", "running": "active"} | {
    state: state for state in ("failed", "expired", "cancelled")
}


_JOBS: Final = rows_as(Job)


class Found(NamedTuple):
    """A job, and if it is blocked by what."""

    job: Job
    waits_for: str | None
    parents: list[int]

    @property
    def type(self) -> str:
        """Its state in AsyncMQ's words."""
        if self.job.state == "blocked":
            return "waiting-children" if self.waits_for == "parents" else "waiting"
        return "completed" if self.job.state == "succeeded" else _TYPE_OF[self.job.state]


class _Wanted(NamedTuple):
    states: list[str]
    waits_for: list[str]


def known_types(types: Iterable[str]) -> list[str]:
    """Return types, each once, without aliases; InvalidArgument for one that does not exist."""
    named = list(dict.fromkeys(_ALIASES.get(each, each) for each in types))
    for each in named:
        if each not in _STATES:
            raise InvalidArgument(f"{each!r} is no state", f"It is one of {', '.join(_STATES)}.")
    return named


def _wanted(types: Iterable[str]) -> _Wanted:
    found = [_STATES[each] for each in known_types(types)]
    states = dict.fromkeys(state for states, _ in found for state in states)
    return _Wanted(list(states), [kind for _, kind in found if kind is not None])


def states_of(job_type: str) -> list[State]:
    """Return a type as states of ours."""
    return [cast("State", state) for state in _wanted([job_type]).states]


def _condition(wanted: _Wanted) -> str:
    """Return what a row of all_jobs, called job, must fulfil."""
    condition = "job.queue = %(queue)s::text and job.state = any(%(states)s::text[])"
    if "blocked" in wanted.states and len(wanted.waits_for) == 1:
        condition += (
            " and (job.state <> 'blocked' or exists (select from {schema}.blocked_jobs as blocked"
            " where blocked.id = job.id and blocked.waits_for = any(%(waits_for)s::text[])))"
        )
    return condition


def _parameters(queue: str, wanted: _Wanted) -> dict[str, Any]:
    parameters: dict[str, Any] = {"queue": queue, "states": wanted.states}
    if "blocked" in wanted.states and len(wanted.waits_for) == 1:
        parameters["waits_for"] = wanted.waits_for
    return parameters


def find(
    queue: str, types: Sequence[str], start: int, end: int, *, ascending: bool
) -> Call[list[Found]]:
    """Look up the jobs of a queue in the order of their ids, from a place to a place or the end."""
    wanted = _wanted(types)
    order = "asc" if ascending else "desc"
    page = (
        f"select job.* from {{schema}}.all_jobs as job where {_condition(wanted)}"
        f" order by job.id {order} limit %(limit)s::bigint offset %(offset)s::bigint"
    )
    limit = None if end < 0 else max(0, end + 1 - max(0, start))
    parameters = _parameters(queue, wanted) | {"limit": limit, "offset": max(0, start)}
    return Call(_with_reason(page, f"order by job.id {order}"), parameters, _read)


def find_one(queue: str, job_id: int) -> Call[list[Found]]:
    """Look up a job of a queue; none where it is in another one, or pruned."""
    row = (
        "select job.* from {schema}.all_jobs as job"
        " where job.id = %(id)s::bigint and job.queue = %(queue)s::text limit 1"
    )
    return Call(_with_reason(row, ""), {"queue": queue, "id": job_id}, _read)


def _with_reason(rows: str, order: str) -> str:
    return (
        f"select {_JOBS.columns}, waits_for, to_jsonb(parents)::text from ({rows}) as job"
        " left join lateral (select waits_for, parents from {schema}.blocked_jobs as lane"
        " where lane.id = job.id) as blocked on job.state = 'blocked'"
        f" {order}"
    )


def _read(rows: Sequence[Row]) -> list[Found]:
    width = len(Job._fields)
    jobs = _JOBS.read(rows)
    return [
        Found(job, row[width], [] if row[width + 1] is None else read_json(row[width + 1]))
        for job, row in zip(jobs, rows, strict=True)
    ]


def find_old(
    queue: str, job_type: str, before: datetime | None, after_id: int, limit: int
) -> Call[list[int]]:
    """Look up ids of jobs that ended (or that were enqueued, the live ones) before a time."""
    wanted = _wanted([job_type])
    condition = _condition(wanted) + " and job.id > %(after)s::bigint"
    parameters = _parameters(queue, wanted) | {"after": after_id, "limit": limit}
    if before is not None:
        condition += " and coalesce(job.finished_at, job.created_at) < %(before)s::timestamptz"
        parameters["before"] = moment_text(before, "before")
    template = (
        f"select job.id from {{schema}}.all_jobs as job where {condition}"
        " order by job.id limit %(limit)s::bigint"
    )
    return Call(template, parameters, values.read)


def count(queue: str, types: Sequence[str]) -> Call[list[JobCount]]:
    """Count the jobs of a queue in the states that these types stand for; see `by_type`."""
    return operator_calls.count_jobs(queue, [cast("State", each) for each in _wanted(types).states])


def by_type(types: Sequence[str], counts: Sequence[JobCount]) -> dict[str, int]:
    """Return counts by type; every type asked for is among them."""
    found = {each.waits_for or str(each.state): each.jobs for each in counts}
    return {each: _sum(each, found) for each in known_types(types)}


def _sum(job_type: str, found: dict[str, int]) -> int:
    states, waits_for = _STATES[job_type]
    return sum(found.get(each, 0) for each in (*states, waits_for) if each is not None)


def due(queue: str) -> Call[list[Found]]:
    """Look up the delayed jobs of a queue whose time has come, the earliest first."""
    page = (
        "select job.* from {schema}.all_jobs as job where job.queue = %(queue)s::text"
        " and job.state = 'scheduled' and job.run_at <= {schema}._now()"
    )
    return Call(_with_reason(page, "order by job.run_at, job.id"), {"queue": queue}, _read)
