"""The judge of tests.proof.chaos_statistics: what was counted against what the history tells.

The history tells of each job how it ended, and of each attempt before the last that it failed: an
entry of its errors with the attempt's times. An entry of the last run (it began when the job was
last claimed) belongs to how the job ended, and no other run was retried. Snoozes and releases
leave no trace, and are not compared. No job may have more attempts than errors are kept (ten), and
none may be retried or discarded by hand, which takes it from the history.
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
      select {minute} as minute, queue, task, outcome, count(*) as jobs,
        coalesce(round(sum(wait)), 0)::bigint as wait_us,
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
      select {counted_minute} as minute, queue, task, outcome, jobs, wait_us, run_us, waits, runs
      from pgq.{table}
      where outcome not in ('snoozed', 'released')
    )
"""
DIFFERENCES: Final = """
    select '{table}', coalesce(told.minute, counted.minute)::text,
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
TABLES: Final = {
    "stat_totals": {
        "minute": "'-infinity'::timestamptz",
        "counted_minute": "'-infinity'::timestamptz",
    },
    "stat_minutes": {
        "minute": "date_trunc('minute', ended_at, 'UTC')",
        "counted_minute": "minute",
    },
}


def fold_all(conn: psycopg.Connection) -> None:
    """Count what is not counted yet; all transactions have ended."""
    while conn.execute("select from pgq.stat_deltas limit 1").fetchall():
        row = conn.execute("select pgq._fold_statistics(20000)").fetchone()
        assert row and row[0] > 0, "deltas that no fold sees"


def differences(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Return where the statistics say something else than the history: none."""
    found: list[tuple[Any, ...]] = []
    for table, columns in TABLES.items():
        query = (TOLD + DIFFERENCES).format(table=table, **columns)
        found += conn.execute(query.encode()).fetchall()
    query = (TOLD + ERRORS).format(table="stat_minutes", **TABLES["stat_minutes"])
    return found + conn.execute(query.encode()).fetchall()


def outcomes(conn: psycopg.Connection) -> dict[str, int]:
    """Return how many jobs and attempts were counted, by outcome."""
    query = "select outcome, sum(jobs)::bigint from pgq.stat_totals group by outcome order by 1"
    return dict(conn.execute(query).fetchall())
