/*
 * How many jobs a second come into a queue, and how many end, in the last minute. Only for queues
 * whose oldest ready job has waited for half a minute and that are not stopped on purpose. It reads
 * the thousand newest ready jobs and the thousand that ended last.
 */
create or replace function pgq._queue_rates(now_at timestamptz)
  returns table (queue text, comes double precision, goes double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_queues constant text[] := array(
    select lane.queue
    from pgq._ready_queues() as lane (queue)
    where not exists (
        select
        from pgq.queues as stopped
        where stopped.name = lane.queue
          and (
            stopped.max_running = 0
            or stopped.rate_limit = 0
            or stopped.paused_at is not null and coalesce(stopped.paused_until > now_at, true)
          )
      )
      and (
        select min(head.ready_at) from pgq._oldest_ready(lane.queue) as head
      ) < now_at - interval '30 seconds'
  );
  v_since constant timestamptz := now_at - interval '1 minute';
begin
  if v_queues = '{}' then
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
  select waiting.queue, came.jobs / came.seconds, gone.jobs / gone.seconds
  from unnest(v_queues) as waiting (queue)
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
