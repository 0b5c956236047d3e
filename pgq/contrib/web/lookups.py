"""Questions of pages that no function of the client answers: views, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pgq.calls.call import Call, rows_as
from pgq.client.clients import Client
from pgq.rows import HealthCheck, ScheduleFire

Document = Literal["args", "headers", "progress", "result"]
# So many jobs are looked at for a trace, as list_jobs() does; and a larger document is not read.
FAR: Final = 10_000
LARGEST: Final = 1_048_576
# By the ids of the jobs, however many there are in the lanes.
_BY_INDEX: Final = (
    b"set local enable_seqscan = off; set local enable_hashjoin = off;"
    b" set local enable_mergejoin = off"
)


class Fired(NamedTuple):
    """What became of a tick of a schedule."""

    schedule: str
    run_at: datetime
    outcome: str


class NextFires(NamedTuple):
    """When a schedule will fire next."""

    schedule: str
    at: datetime


def sampled_health(client: Client) -> list[HealthCheck]:
    """Ask for what health() said when a worker last sampled it, or says now if none did."""
    return client.health(sampled=True)


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


class Traced(NamedTuple):
    """A job that belongs to a trace."""

    id: int
    state: str
    queue: str
    task: str


def jobs_of_trace(client: Client, trace_id: str, most: int = 50) -> list[Traced]:
    """Return the jobs of a trace among the newest ten thousand, the newest first."""
    newest = client.list_jobs(page_size=1).jobs
    if not newest:
        return []
    answer = rows_as(Traced)
    template = f"""
      select {answer.columns}
      from {{schema}}.all_jobs
      where id > %(after)s::bigint
        and split_part(headers ->> 'traceparent', '-', 2) = %(trace_id)s::text
      order by id desc
      limit %(most)s::bigint"""
    given = {"after": newest[0].id - FAR, "trace_id": trace_id, "most": most}
    with client.connection() as connection:
        connection.execute(_BY_INDEX)
    return client.run(Call(template, given, answer.read))


def values_at(
    client: Client, ids: Sequence[int], document: Document, path: Sequence[str], most: int
) -> dict[int, tuple[str, bool]]:
    """Return what stands at a path of a document of each job, and whether that is all of it.

    It is JSON as text, cut after so many characters; of what has no such path there is nothing.
    """
    template = f"""
      select id, left(found.whole, %(most)s::integer) as value,
        length(found.whole) <= %(most)s::integer as is_whole
      from {{schema}}.all_jobs
      cross join lateral (select ({document} #> %(path)s::text[])::text offset 0) as found (whole)
      where id = any(%(ids)s::bigint[])
        and pg_column_size({document}) <= {LARGEST}
        and found.whole is not null"""
    given = {"ids": [*ids], "path": [*path], "most": most}
    answer = rows_as(_Value)
    found = client.run(Call(template, given, answer.read))
    return {each.id: (each.value, each.is_whole) for each in found}


class _Value(NamedTuple):
    id: int
    value: str
    is_whole: bool


def known_names(client: Client, most: int = 200) -> list[tuple[str, str]]:
    """Return queues and tasks of the last hour, for forms to offer; and queues without a task."""
    tasks = [(row.queue, row.task) for row in client.task_stats(max_tasks=most)]
    return [*tasks, *((name, "") for name in client.queue_names(500))]
