/*
 * Put live jobs, which stand in no lane, into the lane that their run_at calls for.
 */
create or replace function pgq._put_waiting(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at)
  select queue, priority, id, task, now_at, expires_at
  from pgq.jobs
  where id = any(ids)
    and run_at <= now_at
  order by id;

  insert into pgq.scheduled (job_id, run_at, priority, queue)
  select id, run_at, priority, queue
  from pgq.jobs
  where id = any(ids)
    and run_at > now_at
  order by id;
end
$$;

comment on function pgq._put_waiting is 'Put live jobs into the lane that their run_at calls for.';
