/*
 * How many jobs a second come into these queues, and how many end, in the last minute. It reads the
 * thousand newest ready jobs and the thousand that ended last: so ask only for queues whose oldest
 * ready job has waited for half a minute and that are not stopped on purpose. Where successes may
 * leave no row, it also asks the statistics for the minute before this one.
 */
create or replace function pgq._queue_rates(now_at timestamptz, late_queues text[])
  returns table (queue text, comes double precision, goes double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_since constant timestamptz := now_at - interval '1 minute';
begin
  if late_queues = '{}' then
    return;
  end if;
  return query
  with newest as materialized (
    select lane.queue, lane.ready_at as at
    from pgq.ready as lane
    order by lane.job_id desc
    limit 1000
  ),
  taken as materialized (
    select past.queue, past.finished_at as at
    from pgq.job_history as past
    where past.finished_at >= date_trunc('day', v_since, 'UTC')
    order by past.id desc
    limit 1000
  )
  select waiting.queue, came.jobs / came.seconds,
    greatest(gone.jobs / gone.seconds, case
      when pgq._may_leave_no_row() then (
        select sum(period.jobs)::double precision / 60
        from pgq.stat_periods as period
        where period.unit = 'minute'
          and period.began_at = date_trunc('minute', v_since, 'UTC')
          and period.queue = waiting.queue
          and period.outcome = 'succeeded'
      )
    end)
  from unnest(late_queues) as waiting (queue)
  cross join lateral (
    select count(*) filter (where newest.queue = waiting.queue) as jobs,
      greatest(extract(epoch from now_at - min(at)), 1)::double precision as seconds
    from newest
    where at > v_since
  ) as came
  cross join lateral (
    select count(*) filter (where taken.queue = waiting.queue) as jobs,
      greatest(extract(epoch from now_at - min(at)), 1)::double precision as seconds
    from taken
    where at > v_since
  ) as gone
  where came.jobs >= 10;
end
$$;

comment on function pgq._queue_rates is
  'How many jobs a second come into queues where jobs wait, and how many end.';
