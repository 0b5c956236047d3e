/*
 * Move waiters of a semaphore, whose rows the caller holds, to the ready lane, with their slots.
 */
create or replace function pgq._make_ready(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  delete from pgq.blocked
  where job_id = any(ids);

  insert into pgq.slots (job_id, concurrency_key, weight, expires_at)
  select id, concurrency ->> 'key', (concurrency ->> 'weight')::integer,
    now_at + make_interval(secs => (concurrency ->> 'seconds')::double precision)
  from pgq.jobs
  where id = any(ids);

  insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
  select queue, priority, id, task, now_at, expires_at,
    case
      when partition_key is null
        and (select true from pgq.queues where fair or rate_per_key limit 1)
      then pgq._turn_key(queue)
      else partition_key
    end
  from pgq.jobs
  where id = any(ids)
  order by id;
end
$$;

comment on function pgq._make_ready is
  'Move waiters of a semaphore to the ready lane, with their slots.';
