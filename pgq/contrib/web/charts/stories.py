"""What a job has been through, from what it says of its attempts: the phases of its timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pgq.contrib.web.charts.timeline import Kind, Phase
from pgq.rows import Job

_ENDS: Final[Mapping[str, Kind]] = {"succeeded": "succeeded", "failed": "failed"}


def story(job: Job, now: datetime) -> list[Phase]:
    """Return a job's phases, without gaps: waits, attempts and what lay between them.

    A job keeps its last ten failures, so what was before them is one phase.
    """
    phases: list[Phase] = []
    last = job.created_at
    for error in job.errors or ():
        if error.get("type") == "Ended" and _time(error.get("failed_at")) == job.finished_at:
            continue  # why it ended without a result; the present tells of that
        for phase in _failed(error, last, first=not phases):
            phases.append(phase)
            last = max(last, phase.end)
    phases.extend(_present(job, last, now, first=not phases))
    return [phase for phase in phases if phase.length > 0 or phase.kind in ("failed", "succeeded")]


def _failed(error: Mapping[str, Any], last: datetime, *, first: bool) -> Iterator[Phase]:
    """Yield the phases that ended with this error."""
    failed = _time(error.get("failed_at"))
    if failed is None:
        return
    ready, started = _time(error.get("ready_at")), _time(error.get("started_at"))
    attempt = error.get("attempt")
    if ready is None or started is None:  # it never ran
        yield Phase("cancelled", last, failed, f"waited until it was ended: {error.get('message')}")
        return
    if first and isinstance(attempt, int) and attempt > 1:
        yield Phase("unknown", last, ready, f"attempts before {attempt}, not kept", "earlier")
    elif ready > last:
        yield _wait(last, ready, first=first)
    if started > ready:
        yield Phase("ready", ready, started, "waited for a worker", "ready")
    lost = error.get("type") == "WorkerLost"
    how = "was lost" if lost else f"failed: {error.get('type')}"
    yield Phase(
        "lost" if lost else "failed",
        started,
        failed,
        f"attempt {attempt} {how}",
        f"attempt {attempt}",
    )


def _wait(start: datetime, end: datetime, *, first: bool) -> Phase:
    if first:
        return Phase("scheduled", start, end, "waited for its time or other jobs", "waited")
    return Phase("backoff", start, end, "waited for the next attempt", "backoff")


def _present(job: Job, last: datetime, now: datetime, *, first: bool) -> Iterator[Phase]:
    """Yield what came after the last failure that the job keeps."""
    end = job.finished_at or now
    if job.state == "scheduled":
        what = "waits for its time" if first else "waits for the next attempt"
        kind: Kind = "scheduled" if first else "backoff"
        yield Phase(kind, last, max(now, last), what, kind, is_open=True)
        return
    if job.state == "blocked":
        yield Phase("blocked", last, max(now, last), "is blocked", "blocked", is_open=True)
        return
    ready = job.ready_at if job.ready_at and job.ready_at >= last else None
    claimed = job.claimed_at if job.claimed_at and ready and job.claimed_at >= ready else None
    if ready is None:
        if job.finished_at and job.finished_at > last:
            yield Phase("cancelled", last, end, f"waited, and was {job.state}", job.state)
        return
    if ready > last:
        yield _wait(last, ready, first=first)
    if claimed is None:
        is_open = job.state == "ready"
        what = "waits for a worker" if is_open else f"waited for a worker, and was {job.state}"
        yield Phase("ready", ready, max(end, ready), what, "ready", is_open=is_open)
        return
    if claimed > ready:
        yield Phase("ready", ready, claimed, "waited for a worker", "ready")
    running = job.state == "running"
    kind = "running" if running else _ENDS.get(job.state, "cancelled")
    what = f"attempt {job.attempt} {'is running' if running else job.state}"
    yield Phase(kind, claimed, max(end, claimed), what, f"attempt {job.attempt}", is_open=running)


def lengths(job: Job, now: datetime) -> Sequence[float | None]:
    """Return how long a job has waited and run in its last attempt, in seconds; None: not yet."""
    waited = _between(job.ready_at, job.claimed_at or job.finished_at or now)
    return waited, _between(job.claimed_at, job.finished_at or now)


def _between(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, (end - start).total_seconds())


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
