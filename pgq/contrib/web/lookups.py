"""Questions of pages that no function of the client answers: views, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pgq.calls.call import Call, rows_as
from pgq.client.clients import Client
from pgq.rows import ScheduleFire


class Fired(NamedTuple):
    """What became of a tick of a schedule."""

    schedule: str
    run_at: datetime
    outcome: str


class NextFires(NamedTuple):
    """When a schedule will fire next."""

    schedule: str
    at: datetime


def last_outcomes(client: Client, names: Sequence[str], most: int = 20) -> list[Fired]:
    """Return the last outcomes of these schedules, the oldest first."""
    answer = rows_as(Fired)
    template = f"""
      select {answer.columns}
      from unnest(%(names)s::text[]) as wanted (name)
      cross join lateral (
        select schedule, run_at, outcome
        from {{schema}}.schedule_history
        where schedule = wanted.name
        order by run_at desc
        limit %(most)s::bigint
      ) as run
      order by run.schedule, run.run_at"""
    return client.run(Call(template, {"names": [*names], "most": most}, answer.read))


def next_fires(client: Client, names: Sequence[str], most: int = 5) -> list[NextFires]:
    """Return the next ticks of these schedules, by their calendar; those that fire are named."""
    answer = rows_as(NextFires)
    template = f"""
      select {answer.columns}
      from (
        select known.name as schedule, fires.at
        from {{schema}}.schedule_status as known
        cross join lateral (
          select known.next_run_at + known.every * step as at
          from generate_series(0, %(most)s::integer - 1) as step
          where known.every is not null
          union all
          select at
          from {{schema}}.cron_preview(
            known.timing, %(most)s::bigint, known.next_run_at - interval '1 microsecond',
            known.timezone
          ) as at
          where known.every is null
        ) as fires
        where known.name = any(%(names)s::text[])
          and not known.paused
          and known.next_run_at is not null
      ) as found
      order by schedule, at"""
    return client.run(Call(template, {"names": [*names], "most": most}, answer.read))


def history_of(
    client: Client, schedule: str, before: datetime | None = None, most: int = 50
) -> list[ScheduleFire]:
    """Return what became of a schedule's ticks before a time, the latest first."""
    answer = rows_as(ScheduleFire)
    template = f"""
      select {answer.columns}
      from {{schema}}.schedule_history
      where schedule = %(schedule)s::text
        and run_at < coalesce(%(before)s::timestamptz, 'infinity')
      order by run_at desc
      limit %(most)s::bigint"""
    given = {"schedule": schedule, "before": before, "most": most}
    return client.run(Call(template, given, answer.read))


def known_names(client: Client, most: int = 500) -> list[tuple[str, str]]:
    """Return queues and tasks of the last hour, for forms to offer; and queues without a task."""
    tasks = [(row.queue, row.task) for row in client.task_stats(max_tasks=most)]
    return [*tasks, *((row.queue, "") for row in client.depths()[:most])]
