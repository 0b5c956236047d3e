"""The judge of tests.proof.chaos_statistics: what was counted against what the history tells.

The history tells of each job how it ended, and of each attempt before the last that it failed: an
entry of its errors with the attempt's times. An entry of the last run (it began when the job was
last claimed) belongs to how the job ended, and no other run was retried. Snoozes and releases
leave no trace there; totals are compared with the periods. No job may have more attempts than
errors are kept (ten), and none may be retried or discarded by hand: the history forgets it then.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

TOLD: Final = """
    with entries as (
      select past.queue, past.task, past.claimed_at, entry ->> 'type' as type,
        entry ->> 'fingerprint' as fingerprint, (entry ->> 'ready_at')::timestamptz as ready_at,
        (entry ->> 'started_at')::timestamptz as started_at,
        (entry ->> 'failed_at')::timestamptz as failed_at
      from pgq.job_history as past
      cross join lateral jsonb_array_elements(past.errors) as entry
      where entry ->> 'type' <> 'Ended'
    ),
    runs as (
      select queue, task, state as outcome, ready_at, claimed_at, finished_at as ended_at
      from pgq.job_history
      union all
      select queue, task, 'retried', ready_at, started_at, failed_at
      from entries
      where started_at is distinct from claimed_at
      union all
      select queue, task, 'lost', null, null, failed_at
      from entries
      where type = 'WorkerLost'
    ),
    told as (
      select date_trunc('minute', ended_at, 'UTC') as minute, queue, task, outcome,
        count(*) as jobs, coalesce(round(sum(wait)), 0)::bigint as wait_us,
        coalesce(round(sum(run)), 0)::bigint as run_us,
        pgq._histogram(string_agg(pgq._bucket_letter(wait), '')) as waits,
        pgq._histogram(string_agg(pgq._bucket_letter(run), '')) as runs
      from runs
      cross join lateral (
        select pgq._microseconds(ready_at, claimed_at), pgq._microseconds(claimed_at, ended_at)
      ) as lasted (wait, run)
      group by 1, 2, 3, 4
    ),
    counted as (
      select began_at as minute, queue, task, outcome, jobs, wait_us, run_us, waits, runs
      from pgq.stat_periods
      where outcome not in ('snoozed', 'released')
    )
"""
DIFFERENCES: Final = """
    select 'stat_periods', coalesce(told.minute, counted.minute)::text,
      coalesce(told.queue, counted.queue), coalesce(told.task, counted.task),
      coalesce(told.outcome, counted.outcome),
      array[told.jobs, told.wait_us, told.run_us]::text || ' in the history, '
        || array[counted.jobs, counted.wait_us, counted.run_us]::text || ' counted, of '
        || told.waits::text || ' and ' || counted.waits::text || ', '
        || told.runs::text || ' and ' || counted.runs::text
    from told
    full join counted using (minute, queue, task, outcome)
    where (told.jobs, told.wait_us, told.run_us, told.waits, told.runs)
      is distinct from
        (counted.jobs, counted.wait_us, counted.run_us, counted.waits, counted.runs)
"""
ERRORS: Final = """
    select 'stat_error_hours', coalesce(noted.hour, said.hour)::text, queue, task, fingerprint,
      format('%s in the history, %s counted', said.attempts, noted.attempts)
    from (
      select date_trunc('hour', failed_at, 'UTC') as hour, queue, task, fingerprint,
        count(*) as attempts
      from entries
      group by 1, 2, 3, 4
    ) as said
    full join pgq.stat_error_hours as noted using (hour, queue, task, fingerprint)
    where said.attempts is distinct from noted.attempts
"""
TOTALS: Final = """
    with counted as (
      select queue, task, outcome as what, jobs as number
      from pgq.stat_periods
      union all
      select queue, task, lasted.what || place, number
      from pgq.stat_periods
      cross join lateral (
        values ('waits ', pgq._counts_up_to_bounds(waits), wait_us),
          ('runs ', pgq._counts_up_to_bounds(runs), run_us)
      ) as lasted (what, counts, us)
      cross join lateral unnest(us || counts) with ordinality as part (number, place)
    ),
    total as (
      select queue, task, told.what, number
      from pgq.stat_totals
      cross join lateral (
        select outcome, jobs
        from (
          values ('succeeded', succeeded), ('failed', failed), ('cancelled', cancelled),
            ('expired', expired), ('retried', retried), ('snoozed', snoozed),
            ('released', released), ('lost', lost)
        ) as known (outcome, jobs)
        union all
        select 'waits ' || place, number
        from unnest(wait_us || waits) with ordinality as part (number, place)
        union all
        select 'runs ' || place, number
        from unnest(run_us || runs) with ordinality as part (number, place)
      ) as told (what, number)
      where number > 0
    )
    select 'stat_totals', '', queue, task, what,
      format('%s in periods, %s in all', summed.number, total.number)
    from (
      select queue, task, what, sum(number) as number from counted group by 1, 2, 3
      union all
      select queue, '', what, sum(number) from counted group by 1, 3
    ) as summed
    full join total using (queue, task, what)
    where coalesce(summed.number, 0) <> coalesce(total.number, 0)
"""


def fold_all(conn: psycopg.Connection) -> None:
    """Count what is not counted yet; all transactions have ended."""
    while conn.execute("select from pgq.stat_deltas limit 1").fetchall():
        row = conn.execute("select pgq._fold_statistics(20000)").fetchone()
        assert row and row[0] > 0, "deltas that no fold sees"


def differences(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Return where the statistics say something else than the history: none."""
    return [
        row
        for query in (TOLD + DIFFERENCES, TOLD + ERRORS, TOTALS)
        for row in conn.execute(query.encode())
    ]


def outcomes(conn: psycopg.Connection) -> dict[str, int]:
    """Return how many jobs and attempts were counted, by outcome."""
    query = "select outcome, sum(jobs)::bigint from pgq.stat_periods group by outcome order by 1"
    return dict(conn.execute(query).fetchall())
