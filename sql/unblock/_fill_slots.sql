/*
 * Give free slots of semaphores to the best waiters that fit, at most batch_size of them, and move
 * them to the ready lane; answer which. The arrays are rows of _semaphore_capacity. The caller
 * holds the locks of the keys, and wakes workers.
 *
 * A job that is heavier than the limit runs alone. No job overtakes a better waiter that does not
 * fit yet. It skips waiters that another session is changing.
 */
create or replace function pgq._fill_slots(
  keys text[],
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
begin
  if pg_relation_size('pgq.queues'::regclass) > 0 then
    v_in_turn := (select true from pgq.queues where fair or rate_per_key limit 1);
  end if;
  v_locked := pgq._lock_waiters(keys, rooms, batch_size);

  with waiter as (
    select job.*, lane.place, lane.priority, lane.waiting_xid, used[lane.place] as used,
      coalesce(configured[lane.place], job.own_limit) as max_slots
    from unnest(v_locked.places, v_locked.priorities, v_locked.xids, v_locked.ids)
      as lane (place, priority, waiting_xid, job_id)
    cross join lateral (
      select id, queue, task, created_at, expires_at, partition_key,
        (concurrency ->> 'weight')::integer as weight,
        (concurrency ->> 'limit')::bigint as own_limit,
        (concurrency ->> 'seconds')::double precision as seconds
      from pgq.jobs
      where id = lane.job_id
      offset 0
    ) as job
  ),
  counted as (
    select *, sum(weight) over line as in_all
    from waiter
    window line as (partition by place order by priority, waiting_xid, id)
  ),
  taken as materialized (
    select * from (
      select *, bool_and(used + in_all <= max_slots or used = 0 and in_all = weight)
        over (partition by place order by priority, waiting_xid, id) as fits
      from counted
    ) as judged
    where fits
  ),
  gone as (
    delete from pgq.blocked
    where job_id = any(array(select id from taken))
  ),
  held as (
    insert into pgq.slots (job_id, concurrency_key, weight, expires_at)
    select id, keys[place], weight, now_at + make_interval(secs => seconds)
    from taken
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
    select queue, priority, id, task, greatest(now_at, created_at), expires_at,
      coalesce(partition_key, case when v_in_turn then pgq._tenant_key(queue) end)
    from taken
  )
  select coalesce(array_agg(id), '{}') into moved from taken;
end
$$;

comment on function pgq._fill_slots is 'Move the waiters of semaphores that fit to the ready lane.';
