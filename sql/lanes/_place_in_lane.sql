/*
 * Put live jobs that are in no lane into the right lane: blocked while they have parents, else
 * scheduled until run_at, else blocked if they need a semaphore, else ready. It writes one note for
 * each semaphore that gets waiters. It writes none for parents: promote_due reads every new blocked
 * row.
 */
create or replace function pgq._place_in_lane(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
  v_ready bigint;
  v_scheduled bigint;
  v_keys text[];
begin
  insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
  select queue, priority, id, task, greatest(now_at, created_at), expires_at,
    coalesce(partition_key, case when v_in_turn then pgq._tenant_key(queue) end)
  from pgq.jobs
  where id = any(ids)
    and run_at <= now_at
    and concurrency is null
    and (depends_on is null
      or (select true from pgq.dependencies where child_id = id limit 1) is null)
  order by id;
  get diagnostics v_ready = row_count;
  perform pgq._notify_ready(ids);
  if v_ready = cardinality(ids) then
    return;
  end if;

  insert into pgq.scheduled (job_id, run_at, priority, queue)
  select id, run_at, priority, queue
  from pgq.jobs
  where id = any(ids)
    and run_at > now_at
    and (depends_on is null
      or (select true from pgq.dependencies where child_id = id limit 1) is null)
  order by id;
  get diagnostics v_scheduled = row_count;
  if v_ready + v_scheduled = cardinality(ids) then
    return;
  end if;

  with added as (
    insert into pgq.blocked (
      job_id, queue, priority, has_parents, concurrency_key, discard, is_new
    )
    select id, queue, priority, has_parents, concurrency ->> 'key',
      coalesce((concurrency ->> 'discard')::boolean, false), has_parents
    from pgq.jobs
    cross join lateral (
      select depends_on is not null
        and (select true from pgq.dependencies where child_id = id limit 1) is not null
      offset 0
    ) as waiting (has_parents)
    where id = any(ids)
      and (has_parents or run_at <= now_at and concurrency is not null)
    order by id
    returning has_parents, concurrency_key
  )
  select array_agg(distinct concurrency_key) filter (where not has_parents) into v_keys from added;
  insert into pgq.releases (concurrency_key)
  select unnest(v_keys);
end
$$;

comment on function pgq._place_in_lane is 'Put live jobs into the lane where they belong.';
