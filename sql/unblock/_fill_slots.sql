/*
 * Give free slots of semaphores to the best waiters that fit, at most batch_size of them, and move
 * them to the ready lane; answer which. The arrays are rows of _semaphore_capacity. The caller
 * holds the locks of the keys, and wakes workers.
 *
 * A job that is heavier than the limit runs alone. No job overtakes a better waiter that does not
 * fit yet. It skips waiters that another session is changing; but a job in strict order moves only
 * if it is the best one of the row. It keeps its slot while it waits for its time.
 */
create or replace function pgq._fill_slots(
  keys text[],
  best_waiters bigint[],
  configured bigint[],
  used bigint[],
  rooms bigint[],
  batch_size bigint,
  now_at timestamptz,
  out moved bigint[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_in_turn boolean := false;
  v_locked record;
  v_early bigint[];
begin
  if pg_relation_size('pgq.queues'::regclass) > 0 then
    v_in_turn := (select true from pgq.queues where fair or rate_per_key limit 1);
  end if;
  v_locked := pgq._lock_waiters(keys, rooms, batch_size);

  with waiter as (
    select job.*, lane.place, lane.lane_priority, lane.waiting_xid, used[lane.place] as used,
      coalesce(configured[lane.place], job.own_limit) as max_slots
    from unnest(v_locked.places, v_locked.priorities, v_locked.xids, v_locked.ids)
      as lane (place, lane_priority, waiting_xid, job_id)
    cross join lateral (
      select id, queue, task, priority, run_at, created_at, expires_at, partition_key,
        (concurrency ->> 'weight')::integer as weight,
        (concurrency ->> 'limit')::bigint as own_limit,
        (concurrency ->> 'seconds')::double precision as seconds,
        concurrency ->> 'order' as in_order, concurrency ? 'order' and run_at > now_at as waits
      from pgq.jobs where id = lane.job_id offset 0
    ) as job
  ),
  counted as (
    select *, sum(weight) over line as in_all
    from waiter
    window line as (partition by place order by lane_priority, waiting_xid, id)
  ),
  taken as materialized (
    select * from (
      select *, bool_and((used + in_all <= max_slots or used = 0 and in_all = weight)
        and (in_order is null or id = best_waiters[place]))
        over (partition by place order by lane_priority, waiting_xid, id) as fits
      from counted
    ) as judged where fits
  ),
  gone as (
    delete from pgq.blocked where job_id = any(array(select id from taken))
  ),
  held as (
    insert into pgq.slots (job_id, concurrency_key, weight, expires_at, in_order)
    select id, keys[place], weight, now_at + make_interval(secs => seconds), in_order
    from taken
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
    select queue, priority, id, task, greatest(now_at, created_at), expires_at,
      coalesce(partition_key, case when v_in_turn then pgq._tenant_key(queue) end)
    from taken
    where waits is not true
  )
  select coalesce(array_agg(id), '{}'), array_agg(id) filter (where waits)
  into moved, v_early
  from taken;
  if v_early is not null then
    perform pgq._place_in_turn(v_early, now_at);
  end if;
end
$$;

comment on function pgq._fill_slots is 'Move the waiters of semaphores that fit to the ready lane.';
