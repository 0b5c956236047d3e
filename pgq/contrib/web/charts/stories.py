"""What a job has been through, from its attempts: the phases of its timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pgq.contrib.web.charts.timeline import Kind, Phase
from pgq.job_rows import JobAttempt, JobStatus

_WAITS = ("scheduled", "blocked", "ready")


def story(job: JobStatus, attempts: Sequence[JobAttempt], now: datetime) -> list[Phase]:
    """Return a job's phases, without gaps: waits, attempts and what lay between them.

    A job keeps its last ten failures, so what was before them is one phase.
    """
    phases: list[Phase] = []
    last = job.created_at
    for attempt in attempts:
        for phase in _of_attempt(attempt, last, now, is_first=not phases):
            phases.append(phase)
            last = max(last, phase.end)
    phases.extend(_after(job, last, now, is_first=not phases))
    return [phase for phase in phases if phase.length > 0 or phase.kind not in _WAITS]


def _of_attempt(
    attempt: JobAttempt, last: datetime, now: datetime, *, is_first: bool
) -> Iterator[Phase]:
    started = attempt.started_at
    if started is None:
        return
    started = max(last, started)
    ready = min(max(last, attempt.ready_at or started), started)
    if is_first and attempt.attempt > 1:
        said = f"attempts before {attempt.attempt}, which are not kept"
        yield Phase("unknown", last, ready, said, "earlier")
    elif ready > last:
        yield _wait(last, ready, is_first=is_first)
    yield Phase("ready", ready, started, "waited for a worker", "ready")
    name = f"attempt {attempt.attempt}"
    end = max(started, attempt.ended_at or now)
    match attempt.outcome:
        case "running":
            yield Phase("running", started, end, f"{name} is running", name, is_open=True)
        case "failed":
            how = f" with {attempt.error_type}" if attempt.error_type else ""
            yield Phase("failed", started, end, f"{name} failed{how}", name)
        case "lost":
            yield Phase("lost", started, end, f"{name} was lost with its worker", name)
        case "succeeded" | "cancelled" as outcome:
            verb = "succeeded" if outcome == "succeeded" else "was cancelled"
            yield Phase(outcome, started, end, f"{name} {verb}", name)


def _wait(start: datetime, end: datetime, *, is_first: bool) -> Phase:
    if is_first:
        return Phase("scheduled", start, end, "waited for its time or for other jobs", "waited")
    return Phase("backoff", start, end, "waited for the next attempt", "backoff")


def _after(job: JobStatus, last: datetime, now: datetime, *, is_first: bool) -> Iterator[Phase]:
    """Yield what came after the last attempt."""
    now = max(now, last)
    match job.state:
        case "scheduled":
            kind: Kind = "scheduled" if is_first else "backoff"
            what = "waits for its time" if is_first else "waits for the next attempt"
            yield Phase(kind, last, now, what, kind, is_open=True)
        case "blocked":
            yield Phase("blocked", last, now, "is blocked", "blocked", is_open=True)
        case "ready":
            ready = min(max(last, job.ready_at or last), now)
            if ready > last:
                yield _wait(last, ready, is_first=is_first)
            yield Phase("ready", ready, now, "waits for a worker", "ready", is_open=True)
        case "cancelled" | "expired" if job.finished_at and job.finished_at > last:
            how = "was cancelled" if job.state == "cancelled" else "expired"
            yield Phase("cancelled", last, job.finished_at, f"waited, and {how}", job.state)


def lengths(job: JobStatus, now: datetime) -> tuple[float | None, float | None]:
    """Return how long a job has waited and run in its last attempt, in seconds; None: not yet."""
    waited = _between(job.ready_at, job.claimed_at or job.finished_at or now)
    return waited, _between(job.claimed_at, job.finished_at or now)


def _between(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, (end - start).total_seconds())
