/*
 * workers
 *   when: no worker is alive: fail; all have the order to pause or stop: warn
 *   do: start workers; `pgq.order_worker(..., 'resume')`
 * lost_workers
 *   when: a worker is 10 s (fail: 1 min) past its lease and not given up
 *   do: start a worker, or `pgq.rescue_lost_workers()`
 */
create or replace function pgq._health_workers(now_at timestamptz, max_age interval)
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
  select 'workers',
    case
      when alive.workers = 0 then 'fail' when alive.paused = alive.workers then 'warn' else 'ok'
    end,
    alive.workers::double precision,
    case
      when alive.workers = 0 and last.heartbeat_at is null then 'no worker has registered'
      when alive.workers = 0
      then 'no worker is alive; the last was heard of '
        || pgq._format_interval(now_at - last.heartbeat_at) || ' ago'
      when alive.paused = alive.workers then 'every worker has the order to pause or to stop'
      else format('%s alive, the last heartbeat was %s ago',
        alive.workers, pgq._format_interval(now_at - last.heartbeat_at))
    end,
    case
      when alive.workers = 0 then 'Start one, such as: pgq worker app.tasks'
      when alive.paused = alive.workers
      then format('Let it go on: select pgq.order_worker(%s, ''resume'');', alive.example)
    end,
    'No job runs, and nobody does the maintenance.'
  from (
    select count(*) as workers, count(told.worker_id) as paused, min(worker.id) as example
    from pgq._living_workers(now_at, max_age) as worker
    left join lateral (
      select known.worker_id, known.standing_order
      from pgq.worker_orders as known
      where known.worker_id = worker.id
      order by known.id desc
      limit 1
    ) as told on told.standing_order <> 'resume'
  ) as alive
  cross join (select max(heartbeat_at) as heartbeat_at from pgq.workers) as last;

  return query
  select 'lost_workers',
    pgq._status_above(extract(epoch from max(lost.overdue))::double precision, 10, 60),
    count(*)::double precision,
    case count(*)
      when 0 then 'every worker that was silent for too long was given up'
      else format('silent beyond their lease and not given up: %s', pgq._list_briefly(array_agg(
        format('%s (%s)', lost.name, lost.id) order by lost.overdue desc)))
    end,
    case
      when max(lost.overdue) > interval '10 seconds'
      then 'Nobody does maintenance: start a worker, or: select pgq.rescue_lost_workers();'
    end,
    'Workers died, and nobody rescues their jobs.'
  from (
    select worker.id, worker.name, heard.silence - heard.patience as overdue
    from pgq.workers as worker
    cross join lateral pgq._worker_silence(worker, now_at) as heard
    where heard.silence > heard.patience
  ) as lost;
end
$$;

comment on function pgq._health_workers is 'Health: whether workers are alive.';
