/*
 * The queues with ready jobs: whether they are stopped on purpose, how long their oldest job has
 * waited while they were not paused, and which of the next tasks no living worker knows. Jobs of
 * paused tasks are left out; then it looks at the next 200 of each priority.
 */
create or replace function pgq._ready_queue_waits(now_at timestamptz, max_age interval)
  returns table (
    queue text,
    is_stopped boolean,
    wait interval,
    workers bigint,
    strange_tasks text[]
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Null, as long as no task is paused.
  v_wanted constant text[] := pgq._wanted_tasks(null, now_at);
begin
  return query
  select lane.queue,
    coalesce(
      configured.max_running = 0
        or configured.rate_limit = 0
        or configured.paused_at is not null
          and (configured.paused_until is null or configured.paused_until > now_at),
      false
    ),
    pgq._unpaused_time(lane.queue, case
      when v_wanted is null then oldest.ready_at
      else (
        select least(min(head.ready_at), now_at)
        from pgq._next_ready(lane.queue, 200) as head
        where pgq._is_wanted(head.task, v_wanted)
      )
    end, now_at),
    served.workers,
    case
      when not served.takes_all then array(
        select distinct head.task
        from pgq._next_ready(lane.queue, 200) as head
        where head.task <> all(served.tasks)
          and pgq._is_wanted(head.task, v_wanted)
        order by 1
      )
      else '{}'
    end
  from pgq._ready_queues() as lane (queue)
  left join pgq.queues as configured on configured.name = lane.queue
  cross join lateral (
    select least(min(head.ready_at), now_at) as ready_at, count(*) > 0 as has_any
    from pgq._oldest_ready(lane.queue) as head
  ) as oldest
  cross join lateral (
    select count(*) as workers,
      coalesce(bool_or(worker.tasks is null), false) as takes_all,
      array(
        select unnest(other.tasks)
        from pgq._living_workers(now_at, max_age) as other
        where exists (
          select
          from unnest(other.queues) as selector
          where pgq._selector_matches(selector, lane.queue)
        )
      ) as tasks
    from pgq._living_workers(now_at, max_age) as worker
    where exists (
      select
      from unnest(worker.queues) as selector
      where pgq._selector_matches(selector, lane.queue)
    )
  ) as served
  where oldest.has_any;
end
$$;

comment on function pgq._ready_queue_waits is
  'The queues with ready jobs: how long they wait, and whether any worker takes them.';
