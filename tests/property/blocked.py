"""What promotion may do with blocked jobs, and what it must have done when it comes to rest.

Promotion works in batches and in an order of its own. So the model does not foretell it: it follows
what the database did, and each move has to be a lawful one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from tests.property.model import Model
from tests.property.things import Job, Semaphore

Edges = dict[int, set[int]]


def used(model: Model, key: str) -> int:
    return sum(slot.weight for slot in model.slots.values() if slot.key == key)


def limit(model: Model, asked: Semaphore) -> int:
    most = 0 if asked.key in model.stopped else model.configured.get(asked.key, asked.limit)
    return min(most, 1) if asked.order else most


def _place(job: Job) -> tuple[float, int, int]:
    if job.semaphore and job.semaphore.order:
        return -math.inf, 0, job.id
    return job.priority, job.ready_step, job.id


def waiters(model: Model) -> dict[str, list[Job]]:
    """Return who waits for each semaphore, the best one first."""
    found: dict[str, list[Job]] = defaultdict(list)
    for job in sorted(model.jobs.values(), key=_place):
        if job.state == "blocked" and not job.edges and job.semaphore:
            found[job.semaphore.key].append(job)
    return found


def _asked(job: Job) -> Semaphore:
    assert job.semaphore
    return job.semaphore


def _fits(model: Model, job: Job) -> bool:
    asked = _asked(job)
    taken, most = used(model, asked.key), limit(model, asked)
    return taken + asked.weight <= most or (taken == 0 and most > 0)


def _told(model: Model, parent: int) -> set[bool]:
    """Return what a child may have heard of a parent: each of its ends, or that it is unknown."""
    unknown = set() if parent in model.jobs else {True}
    return model.outcomes.get(parent, set()) | unknown


def follow(model: Model, states: dict[int, str], edges: Edges) -> None:
    """Move the model's blocked jobs to where the database has them, if they may go there."""
    model_edges = {job.id: set(job.edges) for job in model.jobs.values()}
    before = waiters(model)
    blocked = [job for job in model.jobs.values() if job.state == "blocked"]
    ended = [job for job in blocked if states[job.id] == "cancelled"]
    for job in ended:
        model.end_blocked(job)

    taken: dict[str, list[Job]] = defaultdict(list)
    used_before = {key: used(model, key) for key in {_key(job) for job in blocked}}
    for job in blocked:
        if job in ended:
            continue
        had_parents = bool(job.edges)
        for parent in set(job.edges) - edges.get(job.id, set()):
            assert _may_go_on(model, job, parent), f"job {job.id} does not wait for {parent}"
            del job.edges[parent]
        if had_parents and not job.edges:
            # It lines up for its semaphore only now.
            job.ready_step = model.step
        if states[job.id] != "blocked":
            assert not job.edges
            in_order = job.semaphore is not None and job.semaphore.order is not None
            if job.semaphore and (states[job.id] == "ready" or in_order):
                taken[job.semaphore.key].append(job)
                model.make_ready(job)
            else:
                model.put_waiting(job)
    for key, jobs in taken.items():
        _check_taken(model, jobs, used_before[key], before[key])
    for job in ended:
        _check_ended(model, job, model_edges[job.id], before)


def _key(job: Job) -> str:
    return job.semaphore.key if job.semaphore else ""


def _may_go_on(model: Model, job: Job, parent: int) -> bool:
    told = _told(model, parent)
    return True in told or (job.on_parent_failure == "run" and False in told)


def _check_taken(model: Model, jobs: list[Job], used_before: int, before: list[Job]) -> None:
    """Check that jobs that got slots together had room, and overtook nobody."""
    limits = [limit(model, _asked(job)) for job in jobs]
    weights = [_asked(job).weight for job in jobs]
    alone = len(jobs) == 1 and used_before == 0 and limits[0] > 0
    for most, weight in zip(limits, weights, strict=True):
        assert alone or used_before + weight <= most, "no room"
    assert alone or used_before + sum(weights) <= max(limits), "no room for all"
    for place, waiter in enumerate(before):
        if waiter.state != "blocked":
            continue
        for job in jobs:
            # A job that lined up in this promotion is behind all of the same priority.
            behind = before.index(job) > place if job in before else job.priority >= waiter.priority
            assert not behind, f"job {waiter.id} was overtaken"


def _check_ended(
    model: Model, job: Job, parents: Iterable[int], before: dict[str, list[Job]]
) -> None:
    """Check that a blocked job ended for a parent, or since its semaphore was taken."""
    if job.on_parent_failure != "run" and any(False in _told(model, one) for one in parents):
        return
    assert job.semaphore and job.semaphore.discard, f"job {job.id} ended for no reason"
    assert all(_may_go_on(model, job, parent) for parent in parents)
    key = job.semaphore.key
    others = [job, *before.get(key, []), *waiters(model)[key]]
    taken = used(model, key)
    assert any(
        taken >= limit(model, _asked(one))
        or (taken > 0 and taken + _asked(one).weight > limit(model, _asked(one)))
        for one in others
    ), f"job {job.id} was dropped although there was room"


def check_rest(model: Model) -> None:
    """Check that every blocked job has something to wait for: nothing is left to promote."""
    for job in model.jobs.values():
        for parent, ends in job.edges.items():
            assert _waits(model, job, parent, ends), f"job {job.id} waits for {parent} in vain"
    for key, jobs in waiters(model).items():
        assert not _fits(model, jobs[0]), f"job {jobs[0].id} waits for {key} in vain"
        dropped = [job.id for job in jobs if _asked(job).discard]
        assert not dropped, f"jobs {dropped} wait for {key} instead of being dropped"


def _waits(model: Model, job: Job, parent: int, ends: list[bool]) -> bool:
    """Return whether a child, which knows all by now, still has to wait for a parent."""
    if parent not in model.jobs or True in ends:
        return False
    holds_out = job.on_parent_failure == "wait"
    if model.is_live(parent):
        return holds_out or not ends
    return holds_out and model.jobs[parent].state != "succeeded"
