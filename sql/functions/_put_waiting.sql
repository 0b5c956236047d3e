/*
 * Put live jobs, which stand in no lane, into the lane that they call for: blocked while parents
 * are to come, else scheduled until run_at, else blocked for a semaphore, else ready.
 */
create or replace function pgq._put_waiting(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_ready bigint;
  v_scheduled bigint;
begin
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
    and run_at <= now_at
    and concurrency is null
    and (depends_on is null or not pgq._has_parents(id, depends_on))
  order by id;
  get diagnostics v_ready = row_count;
  if v_ready = cardinality(ids) then
    return;
  end if;

  insert into pgq.scheduled (job_id, run_at, priority, queue)
  select id, run_at, priority, queue
  from pgq.jobs
  where id = any(ids)
    and run_at > now_at
    and (depends_on is null or not pgq._has_parents(id, depends_on))
  order by id;
  get diagnostics v_scheduled = row_count;
  if v_ready + v_scheduled = cardinality(ids) then
    return;
  end if;

  insert into pgq.blocked (job_id, queue, priority, has_parents, concurrency_key, discard)
  select id, queue, priority, has_parents, concurrency ->> 'key',
    coalesce((concurrency ->> 'discard')::boolean, false)
  from pgq.jobs
  cross join lateral (
    select depends_on is not null and pgq._has_parents(id, depends_on) as has_parents
    offset 0
  ) as waiting
  where id = any(ids)
    and (has_parents or run_at <= now_at and concurrency is not null)
  order by id;
end
$$;

comment on function pgq._put_waiting is 'Put live jobs into the lane that they call for.';
