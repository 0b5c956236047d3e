/*
 * Give slots of semaphores to the best waiters that fit, at most batch_size of them, and move them
 * to the ready lane; answer which. The caller holds the locks of the keys, and wakes workers.
 *
 * A job that is heavier than the limit runs alone. No job overtakes a better waiter that does not
 * fit yet. It skips waiters that another session is changing.
 */
create or replace function pgq._fill_slots(
  keys text[],
  batch_size bigint,
  now_at timestamptz,
  out moved bigint[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
  v_keys text[];
  v_used bigint[];
  v_configured bigint[];
  v_priorities integer[];
  v_xids xid8[];
  v_ids bigint[];
begin
  select array_agg(concurrency_key), array_agg(used), array_agg(configured),
    array_agg(priority), array_agg(waiting_xid), array_agg(job_id)
  into v_keys, v_used, v_configured, v_priorities, v_xids, v_ids
  from pgq._lock_waiters(keys, batch_size);

  with waiter as materialized (
    select lane.*, job.*, coalesce(configured, job.own_limit) as max_slots
    from unnest(v_keys, v_used, v_configured, v_priorities, v_xids, v_ids)
      as lane (concurrency_key, used, configured, priority, waiting_xid, job_id)
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
    window line as (partition by concurrency_key order by priority, waiting_xid, id)
  ),
  taken as materialized (
    select * from (
      select *, bool_and(used + in_all <= max_slots or used = 0 and in_all = weight)
        over (partition by concurrency_key order by priority, waiting_xid, id) as fits
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
    select id, concurrency_key, weight, now_at + make_interval(secs => seconds)
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
