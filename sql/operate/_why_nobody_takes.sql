/*
 * Why no worker takes a task from a queue; no row if one could.
 */
create or replace function pgq._why_nobody_takes(
  queue text,
  task text,
  now_at timestamptz
)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select case when workers.serving = 0 or workers.knowing > 0 then 'worker' else 'task' end,
    case
      when workers.serving = 0 then 'no living worker serves its queue'
      when workers.knowing = 0 then 'no worker of its queue knows its task'
      else 'the workers that could take it are told to pause or to stop'
    end,
    null::timestamptz
  from (
    select count(*) as serving, count(*) filter (where worker.knows) as knowing,
      count(*) filter (where worker.knows and worker.goes_on) as taking
    from (
      select coalesce(_why_nobody_takes.task = any(living.tasks), true) as knows,
        coalesce((
          select told.standing_order = 'resume'
          from pgq.worker_orders as told
          where told.worker_id = living.id
          order by told.id desc
          limit 1
        ), true) as goes_on
      from pgq._living_workers(now_at, null) as living
      where exists (
        select
        from unnest(living.queues) as selector
        where pgq._selector_matches(selector, _why_nobody_takes.queue)
      )
    ) as worker
  ) as workers
  where workers.taking = 0;
end
$$;

comment on function pgq._why_nobody_takes is 'Why no worker takes a task from a queue.';
