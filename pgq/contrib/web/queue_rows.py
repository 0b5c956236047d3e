"""Queues as tables of the dashboard show them: depth, limits, workers, and the last hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pgq.client.clients import Client
from pgq.contrib.web.charts import Markup, sparkline
from pgq.contrib.web.page import Visit
from pgq.reports import QueueActivity, QueueDepth

NOTHING: Final = timedelta()
_OF_QUEUES: Final = ("queue_workers", "queue_paused", "queue_running_limit", "queue_tokens")
_OF_ALL: Final = ("worker_slots", "worker_slots_busy")


class House(NamedTuple):
    """The numbers of metric_series() that pages show, by queue, and those of the whole."""

    queues: dict[str, dict[str, float]]
    workers: dict[str, int]
    slots: int
    busy: int
    pauses: dict[str, datetime | None]


class QueueRow(NamedTuple):
    """A queue and how it keeps up; numbers of the last hour are None where nothing ended."""

    queue: str
    status: str
    paused_until: datetime | None
    ready: int
    scheduled: int
    blocked: int
    running: int
    failed: int
    lag: timedelta | None
    estimated: Sequence[str]
    max_running: int | None
    tokens: int | None
    workers: int | None
    ended: int
    ended_failed: int
    per_minute: float
    wait_p95: timedelta | None
    run_p95: timedelta | None
    ended_by_minute: Sequence[int]
    failed_by_minute: Sequence[int]

    @property
    def spark(self) -> Markup:
        """Draw the last hour; many rows are asked for, and few are shown."""
        return sparkline("ended in the last hour", self.ended_by_minute, self.failed_by_minute)


def house(client: Client) -> House:
    """Ask for the few families of metric_series() that pages show, and for the paused queues."""
    queues: dict[str, dict[str, float]] = {}
    workers: dict[str, int] = {}
    alone: dict[str, float] = {}
    with client.connection() as connection:
        numbers = connection.execute(
            f"select substr(family, 5), labels, value from {client.schema}.metric_series(false)"
            " where family = any(%s)".encode(),
            [[f"pgq_{name}" for name in (*_OF_QUEUES, *_OF_ALL, "workers")]],
        ).fetchall()
        pauses = connection.execute(
            f"select queue, paused_until from {client.schema}.queue_settings"
            " where paused limit 1000".encode()
        ).fetchall()
    for name, labels, value in numbers:
        if name in _OF_QUEUES:
            queues.setdefault(labels["queue"], {})[name] = value
        elif name == "workers":
            workers[labels["status"]] = int(value)
        else:
            alone[name] = value
    slots, busy = (int(alone.get(name, 0)) for name in _OF_ALL)
    return House(queues, workers, slots, busy, dict(pauses))


def queue_rows(visit: Visit) -> list[QueueRow]:
    """Return the queues that the user may see; the one that waits longest first."""
    known = visit.ask(house)
    rates = {rate.queue: rate for rate in visit.ask(Client.queue_activity)}
    rows = [
        _row(depth, known, rates.get(depth.queue))
        for depth in visit.ask(Client.depths)
        if visit.access.reaches(depth.queue)
    ]
    return sorted(rows, key=lambda row: (-(row.lag or NOTHING), -row.running, row.queue))


def _row(depth: QueueDepth, known: House, rate: QueueActivity | None) -> QueueRow:
    numbers = known.queues.get(depth.queue, {})
    ended = rate.ended if rate else []
    failed = rate.failed if rate else []
    minutes = len(ended) * rate.step_length.total_seconds() / 60 if rate else 60
    limit, tokens, workers = (
        None if (value := numbers.get(name)) is None else int(value)
        for name in ("queue_running_limit", "queue_tokens", "queue_workers")
    )
    return QueueRow(
        queue=depth.queue,
        status=_status(depth, known, workers, limit, tokens),
        paused_until=known.pauses.get(depth.queue),
        ready=depth.ready,
        scheduled=depth.scheduled,
        blocked=depth.blocked,
        running=depth.running,
        failed=depth.failed,
        lag=depth.lag,
        estimated=depth.estimated,
        max_running=limit,
        tokens=tokens,
        workers=workers,
        ended=sum(ended),
        ended_failed=sum(failed),
        per_minute=sum(ended) / minutes,
        wait_p95=rate.wait_p95 if rate else None,
        run_p95=rate.run_p95 if rate else None,
        ended_by_minute=ended,
        failed_by_minute=failed,
    )


def _status(
    depth: QueueDepth, known: House, workers: int | None, limit: int | None, tokens: int | None
) -> str:
    """Return the word for what keeps a queue from running, the strongest first."""
    if depth.queue in known.pauses:
        return "paused"
    if workers == 0 and depth.ready:
        return "no worker"
    if depth.ready and (tokens == 0 or (limit is not None and depth.running >= limit)):
        return "at its limit"
    return "running" if depth.running else "waiting" if depth.ready else "idle"
