/*
 * promotion
 *   when: a job is 10 s (fail: 5 min) past its time and not ready
 *   do: start a worker; `pgq.promote_due()`
 * schedules
 *   when: a tick is a minute (fail: 10 min) late
 *   do: start a worker that fires schedules
 */
create or replace function pgq._health_late_work(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select seen.name, pgq._status_above(late.seconds, seen.warn, seen.fail),
    nullif(late.seconds, 'infinity'),
    case
      when coalesce(late.seconds, 0) <= seen.warn then seen.calm
      when late.seconds = 'infinity' then seen.name || ' has never run'
      else format('%s is late by %s: %s',
        seen.name, pgq._format_interval(make_interval(secs => late.seconds)), seen.example)
    end,
    case when late.seconds > seen.warn then seen.cure end,
    seen.meaning
  from (
    select 'promotion', (select min(due.run_at) from pgq.scheduled as due), 10, 300,
      'jobs become ready in time', 'jobs that are due',
      'Start a worker, or: select * from pgq.promote_due();',
      'Jobs whose time has come do not become ready: retries and delayed jobs wait.'
    union all
    select 'schedules', next.run_at, 60, 600, 'schedules fire in time', next.name,
      'Start a worker that fires schedules, or: select * from pgq.fire_due_schedules();',
      'Recurring jobs are not enqueued.'
    from (
      select min(schedule.next_run_at),
        (array_agg(schedule.name order by schedule.next_run_at))[1]
      from pgq.schedules as schedule
      where schedule.paused_at is null
    ) as next (run_at, name)
  ) as seen (name, due_at, warn, fail, calm, example, cure, meaning)
  cross join lateral (
    select case
      when seen.due_at = '-infinity' then 'infinity'::double precision
      when seen.due_at < now_at
      then extract(epoch from now_at - seen.due_at)::double precision
    end as seconds
  ) as late;
end
$$;

comment on function pgq._health_late_work is
  'Health: whether promotion, schedules and maintenance are in time.';
