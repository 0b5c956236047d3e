"""Ask the database what `pgq top` shows, with the functions that the dashboard asks too.

Numbers that change slowly are asked for now and then: a tick costs the server a few milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pgq.cli.top.columns import Row

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import TaskStats

T = TypeVar("T")

# Seconds for which an answer is good.
_HEALTH: Final = 15.0
_DEPTHS: Final = 5.0
_COUNTS: Final = 5.0
_MINUTES: Final = 30.0
_SCHEDULES: Final = 5.0
_ERRORS: Final = 5.0
# How many queues get their bars of the last minutes anew in a tick, and at most have them.
_BARS_A_TICK: Final = 1
_MOST_BARS: Final = 30
_MINUTES_SHOWN: Final = timedelta(minutes=20)

WORST: Final = ("ok", "warn", "fail")
ENDS: Final = ("succeeded", "failed", "cancelled", "expired")


@dataclass(frozen=True)
class Overview:
    """The two lines above every screen."""

    database: str
    version: str
    health: str
    problems: list[str]
    ready: int
    estimated: bool
    scheduled: int
    blocked: int
    running: int
    slots: int
    workers: int
    ended_a_second: float
    failed_a_minute: int
    enqueued_a_second: float | None
    lag: timedelta | None
    lag_queue: str | None
    statistics_lag: float | None


@dataclass(frozen=True)
class Seen:
    """What one look has found."""

    at: datetime
    screen: str
    overview: Overview
    rows: list[Row]

    def as_record(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "at": self.at,
            "overview": vars(self.overview),
            "screen": self.screen,
            "rows": [dict(row) for row in self.rows],
        }


@dataclass
class Looker:
    """Looks at a database again and again."""

    client: Client
    database: str
    wait: bool = True
    """Whether a look leaves some bars for the next one."""
    _known: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _bars: dict[str, tuple[float, list[int]]] = field(default_factory=dict)

    def look(self, screen: str) -> Seen:
        """Return what there is to see. Raises psycopg.Error, and errors of ours."""
        rows: Callable[[], list[Row]] = getattr(self, f"_{screen}")
        overview = self._overview()
        return Seen(datetime.now(UTC), screen, overview, rows())

    def forget(self) -> None:
        """Ask for everything anew the next time: something was changed."""
        self._known.clear()

    def client_of(self, _row: Row) -> Client:
        """Return the client that a row came from."""
        return self.client

    def _kept(self, name: str, seconds: float, ask: Callable[[], T]) -> T:
        at, answer = self._known.get(name, (-seconds, None))
        now = time.monotonic()
        if not self._known.get(name) or now - at >= seconds:
            answer = ask()
            self._known[name] = (now, answer)
        found: T = answer
        return found

    def _overview(self) -> Overview:
        client = self.client
        version = self._kept("version", 3600, client.version)
        checks = self._kept("health", _HEALTH, client.health)
        depths = self._kept("depths", _DEPTHS, client.depths)
        workers = self._kept("workers", 1.0, client.worker_status)
        minute = self._kept("minute", _COUNTS, self._last_minute)
        enqueued = self._kept("enqueued", _HEALTH, self._enqueued)
        bad = [check for check in checks if check.status != "ok"]
        worst = max(depths, key=lambda each: each.lag or timedelta(0), default=None)
        folded = next((check.value for check in checks if check.name == "statistics"), None)
        alive = [worker for worker in workers if worker.status != "silent"]
        return Overview(
            database=self.database,
            version=version,
            health=max((check.status for check in bad), key=WORST.index, default="ok"),
            problems=[check.name for check in bad],
            ready=sum(each.ready for each in depths),
            estimated=any("ready" in each.estimated for each in depths),
            scheduled=sum(each.scheduled for each in depths),
            blocked=sum(each.blocked for each in depths),
            running=sum(worker.running for worker in workers),
            slots=sum(worker.concurrency for worker in alive),
            workers=len(alive),
            ended_a_second=minute[0],
            failed_a_minute=minute[1],
            enqueued_a_second=enqueued,
            lag=worst and worst.lag,
            lag_queue=worst.queue if worst and worst.lag else None,
            statistics_lag=folded,
        )

    def _last_minute(self) -> tuple[float, int]:
        """Return how many jobs ended a second and failed a minute, over the last whole minutes."""
        now = datetime.now(UTC)
        steps = self.client.stats(
            since=now - timedelta(minutes=1), step=timedelta(minutes=1), until=now
        )
        ended = sum(getattr(step, end) for step in steps for end in ENDS)
        seconds = 60 + now.second
        return ended / seconds, round(60 * sum(step.failed for step in steps) / seconds)

    def _enqueued(self) -> float | None:
        steps = self.client.depth_history(
            since=datetime.now(UTC) - timedelta(minutes=3), step=timedelta(minutes=1)
        )
        known = [step.enqueued for step in steps if step.enqueued is not None]
        return known[-1] / 60 if known else None

    def _task_stats(self) -> list[TaskStats]:
        return self._kept("tasks", _COUNTS, self.client.task_stats)

    def _queues(self) -> list[Row]:
        depths = self._kept("depths", _DEPTHS, self.client.depths)
        settings = self._kept("settings", _SCHEDULES, self.client.queue_settings)
        limits = {each.queue: each for each in self._kept("limits", 2.0, self.client.queue_limits)}
        selectors = [
            selector
            for worker in self._kept("workers", 1.0, self.client.worker_status)
            if worker.status in {"idle", "busy"}
            for selector in worker.queues.split(", ")
        ]
        paused = {each.queue for each in settings if each.paused}
        of_queue: dict[str, list[TaskStats]] = {}
        for task in self._task_stats():
            of_queue.setdefault(task.queue, []).append(task)
        names = sorted({each.queue for each in depths} | paused | set(of_queue))
        self._renew_bars(names)
        known = {each.queue: each for each in depths}
        rows: list[Row] = []
        for queue in names:
            depth, tasks, limit = known.get(queue), of_queue.get(queue, []), limits.get(queue)
            rows.append(
                {
                    "queue": queue,
                    "status": _queue_status(
                        is_paused=queue in paused,
                        is_served=any(_selects(each, queue) for each in selectors),
                        is_waiting=bool(depth and depth.ready),
                        is_limited=bool(limit and _is_used_up(limit)),
                    ),
                    "ready": depth.ready if depth else 0,
                    "scheduled": depth.scheduled if depth else 0,
                    "blocked": depth.blocked if depth else 0,
                    "running": depth.running if depth else 0,
                    "lag": depth and depth.lag,
                    **_outcomes(tasks),
                    "run_p95": max((each.run_p95 for each in tasks if each.run_p95), default=None),
                    "wait_p95": max(
                        (each.wait_p95 for each in tasks if each.wait_p95), default=None
                    ),
                    "minutes": self._bars.get(queue, (0.0, None))[1],
                }
            )
        return rows

    def _renew_bars(self, queues: Sequence[str]) -> None:
        """Count the last minutes of those queues whose bars are oldest."""
        now = time.monotonic()
        due = sorted(
            (self._bars.get(queue, (0.0, None))[0], queue)
            for queue in queues[:_MOST_BARS]
            if now - self._bars.get(queue, (-_MINUTES, None))[0] >= _MINUTES
        )
        for _, queue in due[: _BARS_A_TICK if self.wait else _MOST_BARS]:
            steps = self.client.stats(
                queue, since=datetime.now(UTC) - _MINUTES_SHOWN, step=timedelta(minutes=1)
            )
            ended = [sum(getattr(step, end) for end in ENDS) for step in steps]
            self._bars[queue] = (now, ended[-20:])

    def _running(self) -> list[Row]:
        usual = {(each.queue, each.task): each.run_p95 for each in self._task_stats()}
        names = {
            worker.id: worker.name
            for worker in self._kept("workers", 1.0, self.client.worker_status)
        }
        now = datetime.now(UTC)
        page = self.client.list_jobs(states=["running"], newest_first=False, page_size=500)
        return [
            {
                "id": job.id,
                "task": job.task,
                "queue": job.queue,
                "worker": names.get(job.worker_id or 0, ""),
                "attempt": f"{job.attempt}/{job.max_attempts}",
                "age": max(now - job.claimed_at, timedelta(0)) if job.claimed_at else None,
                "usual_p95": usual.get((job.queue, job.task)),
                "progress": job.progress,
            }
            for job in page.jobs
        ]

    def _tasks(self) -> list[Row]:
        found = self._task_stats()
        whole = sum((each.run_time for each in found), timedelta(0)) or timedelta(seconds=1)
        return [
            {
                "task": each.task,
                "queue": each.queue,
                **_outcomes([each]),
                "failed": each.failed,
                "retried": each.retried,
                "run_mean": each.run_mean,
                "run_p50": each.run_p50,
                "run_p95": each.run_p95,
                "run_p99": each.run_p99,
                "wait_p95": each.wait_p95,
                "share": each.run_time / whole,
            }
            for each in found
        ]

    def _workers(self) -> list[Row]:
        return [
            {
                "id": each.id,
                "name": each.name,
                "status": each.status,
                "running": each.running,
                "slots": each.concurrency,
                "queues": each.queues,
                "silence": each.silence,
                "uptime": each.uptime,
                "host": each.host,
                "pid": each.pid,
                "version": each.version,
            }
            for each in self._kept("workers", 1.0, self.client.worker_status)
        ]

    def _errors(self) -> list[Row]:
        groups = self._kept("errors", _ERRORS, lambda: self.client.error_groups(max_groups=100))
        return [
            {
                "attempts": each.attempts,
                "failed": each.failed_jobs,
                "task": each.task,
                "error": f"{each.error_type.rpartition('.')[2]}: {each.sample}",
                "last_seen": each.last_seen,
                "first_seen": each.first_seen,
                "last_job": each.last_job_id,
                "fingerprint": each.fingerprint,
            }
            for each in groups
        ]

    def _schedules(self) -> list[Row]:
        found = self._kept("schedules", _SCHEDULES, self.client.schedule_status)
        return [
            {
                "schedule": each.name,
                "timing": each.timing,
                "task": each.task,
                "queue": each.queue,
                "status": (
                    "broken"
                    if each.problem
                    else "paused"
                    if each.paused
                    else "late"
                    if each.late and each.late > timedelta(seconds=5)
                    else "active"
                ),
                "next": None if each.paused else each.next_run_at,
                "last": each.last_run_at,
                "outcome": each.last_outcome,
                "problem": each.problem,
            }
            for each in found
        ]


def _outcomes(tasks: Sequence[TaskStats]) -> dict[str, Any]:
    """Return how many jobs ended, and which share of them failed."""
    ended = sum(getattr(each, end) for each in tasks for end in ENDS)
    failed = sum(each.failed for each in tasks)
    return {"ended": ended, "failed_share": failed / ended if ended else None}


def _queue_status(*, is_paused: bool, is_served: bool, is_waiting: bool, is_limited: bool) -> str:
    if is_paused:
        return "paused"
    if is_waiting and not is_served:
        return "no worker"
    return "limit" if is_limited else ""


def _is_used_up(limits: Any) -> bool:
    """Say whether a limit keeps the next job of a queue from starting."""
    if limits.max_running is not None and (limits.running or 0) >= limits.max_running:
        return True
    return limits.tokens is not None and limits.tokens < 1


def _selects(selector: str, queue: str) -> bool:
    if selector.endswith("*"):
        return queue.startswith(selector[:-1])
    return selector == queue
