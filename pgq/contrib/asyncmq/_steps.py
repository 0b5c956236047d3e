"""In which order to enqueue the jobs of one call: parents first, in as few steps as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pgq.contrib.asyncmq._new_job import new_job
from pgq.contrib.asyncmq.jobs import JobId
from pgq.errors import InvalidJob
from pgq.jobs import NewJob


def in_steps(jobs: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Return the places of jobs, parents first, in as few steps as possible: usually one.

    A parent is the `name` of another job of the call, or an id. If a parent has a key, another job
    may own that. So its children come in a later step, when the id is known.
    """
    parents = _parents(jobs)
    if not any(parents.values()):
        return [list(parents)]
    try:
        order = list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        names = [jobs[place]["name"] for place in error.args[1]]
        raise InvalidJob(
            f"the jobs depend on each other in a circle: {names}", "Leave one of these out."
        ) from error
    step_of: dict[int, int] = {}
    for place in order:
        # A child is never in a step before its parent's, and if that has a key, in a later one.
        step_of[place] = max(
            (step_of[each] + _has_key(jobs[each]) for each in parents[place]), default=0
        )
    return [
        [place for place in order if step_of[place] == step]
        for step in range(max(step_of.values()) + 1)
    ]


def made(
    queue: str, jobs: Sequence[dict[str, Any]], step: Sequence[int], ids: Sequence[int]
) -> list[NewJob]:
    """Return the jobs of one step; `ids` are those of the steps before."""
    parents = _parents(jobs)
    places = _places(jobs)
    here = set(step)
    wanted = {each for place in step for each in parents[place] if each in here}
    answer: list[NewJob] = []
    for place in step:
        options = {key: given for key, given in jobs[place].items() if key != "name"}
        options["depends_on"] = [
            _parent(places.get(each), each, here, ids) for each in options["depends_on"]
        ]
        ref = _ref(place) if place in wanted else None
        answer.append(new_job(queue, options.pop("task_id"), ref=ref, **options))
    return answer


def _parent(place: int | None, given: Any, here: set[int], ids: Sequence[int]) -> Any:
    if place is None:
        return given
    return _ref(place) if place in here else ids[place]


def _ref(place: int) -> str:
    return f"job {place + 1}"


def _places(jobs: Sequence[dict[str, Any]]) -> dict[JobId, int]:
    return {job["name"]: place for place, job in enumerate(jobs) if job["name"] is not None}


def _parents(jobs: Sequence[dict[str, Any]]) -> dict[int, set[int]]:
    places = _places(jobs)
    return {
        place: {places[each] for each in job["depends_on"] if each in places}
        for place, job in enumerate(jobs)
    }


def _has_key(job: dict[str, Any]) -> bool:
    return job.get("job_id") is not None or job.get("deduplication") is not None


def names_of(jobs: Iterable[dict[str, Any]]) -> set[JobId]:
    """Return the names by which jobs of one call may name each other."""
    return {job["name"] for job in jobs if job["name"] is not None}
