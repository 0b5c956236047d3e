/*
 * Whether half of a task's jobs or more succeeded in the last hour, by the statistics. It reads the
 * minutes of an hour. Where statistics are off, the answer is no.
 */
create or replace function pgq._mostly_succeeds(now_at timestamptz, queue text, task text)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
      2 * sum(period.jobs) filter (where period.outcome = 'succeeded') >= sum(period.jobs), false
    )
    from pgq.stat_periods as period
    where period.unit = 'minute'
      and period.began_at between now_at - interval '1 hour' and now_at
      and period.queue = _mostly_succeeds.queue
      and period.task = _mostly_succeeds.task
      and period.outcome in ('succeeded', 'failed')
  );
end
$$;

comment on function pgq._mostly_succeeds is
  'Whether half of a task''s jobs or more succeeded in the last hour, by the statistics.';
