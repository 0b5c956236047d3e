/*
 * Health: whether a queue gets more jobs than are taken from it, before it is late. Rates of the
 * last minute, of the last thousand jobs that became ready and of the last thousand that were
 * claimed, among the newest; only where a job has waited for half a minute.
 */
create or replace function pgq._health_backlog(now_at timestamptz)
  returns table (name text, status text, value double precision, reason text, hint text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with waiting as materialized (
    select lane.queue
    from pgq._ready_queues() as lane (queue)
    cross join lateral (
      select min(head.ready_at) as ready_at from pgq._ready_heads(lane.queue) as head
    ) as oldest
    where oldest.ready_at < now_at - interval '30 seconds'
  ),
  newest as (
    select lane.queue, lane.ready_at as at, 1 as came
    from pgq.ready as lane
    where exists (select from waiting)
    order by lane.job_id desc
    limit 1000
  ),
  taken as (
    (
      select past.queue, past.claimed_at as at
      from pgq.job_history as past
      where exists (select from waiting)
        and past.finished_at >= date_trunc('day', now_at - interval '1 minute', 'UTC')
      order by past.id desc
      limit 1000
    )
    union all
    (
      select claim.queue, claim.claimed_at
      from pgq.running as claim
      where exists (select from waiting)
      order by claim.job_id desc
      limit 1000
    )
  ),
  rates as (
    select waiting.queue, came.jobs / came.seconds as comes, gone.jobs / gone.seconds as goes
    from waiting
    cross join lateral (
      select count(*) filter (where queue = waiting.queue) as jobs,
        greatest(extract(epoch from now_at - min(at)), 1)::double precision as seconds
      from newest
      where at > now_at - interval '1 minute'
    ) as came
    cross join lateral (
      select count(*) filter (where queue = waiting.queue) as jobs,
        greatest(extract(epoch from now_at - min(at)), 1)::double precision as seconds
      from taken
      where at > now_at - interval '1 minute'
    ) as gone
    where came.jobs >= 10
  )
  select 'backlog', pgq._grade(count(*), 0, 'infinity'),
    coalesce(max(comes - goes), 0),
    case count(*)
      when 0 then 'jobs are taken as fast as they come'
      else 'jobs come faster than they are taken: ' || pgq._some(array_agg(
        format('%s (%s a minute, %s taken)', queue, round(60 * comes), round(60 * goes))
        order by comes - goes desc))
    end,
    case
      when count(*) > 0
      then format('Before it is late start more workers for it, or raise their concurrency: '
        'pgq worker app.tasks -q %s', (array_agg(queue order by comes - goes desc))[1])
    end
  from rates
  where comes > 1.2 * goes;
end
$$;

comment on function pgq._health_backlog is
  'Health: whether a queue gets more jobs than are taken from it.';
