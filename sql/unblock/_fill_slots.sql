/*
 * Move the best waiters of semaphores that fit, at most batch_size of them, to the ready lane, with
 * their slots; answer which. The caller holds the locks of the keys, and wakes workers.
 *
 * A job heavier than the limit runs alone. Nobody overtakes a better waiter who does not fit yet;
 * those that another session is changing are passed over.
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
begin
  with waiter as materialized (
    select semaphore.concurrency_key, semaphore.used, lane.priority, job.*,
      coalesce(semaphore.configured, job.own_limit) as max_slots
    from pgq._semaphore_capacity(keys) as semaphore
    cross join lateral (
      select job_id, priority
      from pgq.blocked
      where concurrency_key = semaphore.concurrency_key
        and not has_parents
      order by priority, job_id
      limit greatest(semaphore.room, 0)
      for update skip locked
    ) as lane
    cross join lateral (
      select id, queue, task, created_at, expires_at, partition_key,
        (concurrency ->> 'weight')::integer as weight,
        (concurrency ->> 'limit')::bigint as own_limit,
        (concurrency ->> 'seconds')::double precision as seconds
      from pgq.jobs
      where id = lane.job_id
      offset 0
    ) as job
    limit batch_size
  ),
  counted as (
    select *, sum(weight) over (partition by concurrency_key order by priority, id) as in_all
    from waiter
  ),
  taken as materialized (
    select * from (
      select *, bool_and(used + in_all <= max_slots or used = 0 and in_all = weight)
        over (partition by concurrency_key order by priority, id) as fits
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
      case
        when partition_key is null
          and (select true from pgq.queues where fair or rate_per_key limit 1)
        then pgq._tenant_key(queue)
        else partition_key
      end
    from taken
  )
  select coalesce(array_agg(id), '{}') into moved from taken;
end
$$;

comment on function pgq._fill_slots is 'Move the waiters of semaphores that fit to the ready lane.';
