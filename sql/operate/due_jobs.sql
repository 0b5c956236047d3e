/*
 * Return the scheduled jobs whose time has come, the earliest first, with all details.
 * promote_due() has not made them ready yet. For one queue, it looks at the first 100,000 due jobs
 * of all queues.
 */
create or replace function pgq.due_jobs(queue text default null, max_jobs bigint default 1000)
  returns setof pgq.listed_job
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_max constant bigint := coalesce(max_jobs, 1000);
  v_ids bigint[];
begin
  if v_max not between 1 and 1000 then
    raise exception 'max_jobs is %', v_max
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000.';
  end if;
  v_ids := array(
    select lane.job_id
    from (
      select waiting.job_id, waiting.queue
      from pgq.scheduled as waiting
      where waiting.run_at <= pgq._now()
      order by waiting.run_at, waiting.priority, waiting.job_id
      limit 100000
    ) as lane
    where due_jobs.queue is null or lane.queue = due_jobs.queue collate "default"
    limit v_max
  );
  return query
  select * from pgq._list_found_jobs(
    v_ids, array_fill(null::timestamptz, array[cardinality(v_ids)]), true);
end
$$;

comment on function pgq.due_jobs is
  'Return the scheduled jobs whose time has come, the earliest first.';
