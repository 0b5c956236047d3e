"""Flows: jobs that run after other jobs, enqueued together by one enqueue_many.

    pages = [fetch.job(url) for url in urls]
    client.enqueue_many(pgq.flow(merge.job().after(*pages)))

Jobs are told apart by identity, not by value: two equal NewJobs are two jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pgq.errors import InvalidArgument, InvalidJob
from pgq.jobs import NewJob, Parent, job_text, parents_listed
from pgq.lib.checks import as_listed, shown
from pgq.values import json_text


def flow(*jobs: NewJob) -> list[NewJob]:
    """Return jobs with all the NewJobs that they depend on, each once, parents first."""
    ordered: list[NewJob] = []
    seen: set[int] = set()
    # A stack of our own: a chain may be longer than Python's.
    left = [(job, False) for job in reversed(jobs)]
    while left:
        job, has_its_parents = left.pop()
        if has_its_parents:
            ordered.append(job)
        elif id(job) not in seen:
            seen.add(id(job))
            left.append((job, True))
            left.extend((parent, False) for parent in reversed(_new_parents(job)))
    return ordered


def listed(jobs: Iterable[NewJob]) -> list[NewJob]:
    """Return jobs as a list; InvalidJob names the first that is none."""
    found: list[NewJob] = as_listed(jobs, "jobs")
    for place, job in enumerate(found, 1):
        if not isinstance(job, NewJob):
            raise InvalidJob(f"job {place} is {shown(job)}, no NewJob", "See Task.job and NewJob.")
    return found


def jobs_text(jobs: Sequence[NewJob]) -> str:
    """Return jobs as the JSON array that enqueue_many takes; InvalidJob names the first bad one."""
    try:
        return json_text([job.as_json() for job in _named(jobs)])
    except (InvalidJob, InvalidArgument):
        # One by one is slow, but says which.
        each = (job_text(job, f"job {place}") for place, job in enumerate(_named(jobs), 1))
        return f"[{','.join(each)}]"


def _named(jobs: Sequence[NewJob]) -> Iterator[NewJob]:
    """Yield the jobs with references instead of NewJobs among their parents."""
    if not any(job.depends_on for job in jobs):
        yield from jobs
        return
    wanted = {id(parent) for job in jobs for parent in _new_parents(job)}
    refs: dict[int, str] = {}
    for place, job in enumerate(jobs, 1):
        if job.depends_on:
            parents = [_reference(parent, refs, place) for parent in job.depends_on]
            named = replace(job, depends_on=parents)
        else:
            named = job
        if id(job) in wanted:
            if id(job) in refs:
                raise InvalidJob(
                    f"job {place} is a parent and is twice among the jobs",
                    "If you mean two jobs, make two NewJobs.",
                )
            refs[id(job)] = job.ref or f"job {place}"
            named = replace(named, ref=refs[id(job)])
        yield named


def _reference(parent: Parent, refs: dict[int, str], place: int) -> Parent:
    if not isinstance(parent, NewJob):
        return parent
    if id(parent) not in refs:
        raise InvalidJob(
            f"job {place}: its parent of the task {parent.task!r} does not come before it",
            "Pass the parents too, and first: pgq.flow(job) puts them in order.",
        )
    return refs[id(parent)]


def _new_parents(job: NewJob) -> list[NewJob]:
    return [parent for parent in parents_listed(job.depends_on or ()) if isinstance(parent, NewJob)]
