/*
 * Return the jobs that a search has found, in its order. It finds a finished job by the time of
 * its end too, so that only the partition of that day is read. Without details it leaves out what
 * may be long.
 */
create or replace function pgq._list_found_jobs(
  ids bigint[],
  finished_at timestamptz[],
  details boolean
)
  returns setof pgq.listed_job
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_all constant boolean := pgq._sees_contents();
begin
  details := details and v_all;
  return query
  select job.id, job.state, job.queue, job.task, job.priority, job.attempt, job.max_attempts,
    job.run_at, job.created_at, job.ready_at, job.claimed_at, job.finished_at, job.expires_at,
    job.timeout, job.worker_id, case when v_all then job.unique_key end, job.batch_id,
    case when v_all then job.partition_key end, case when v_all then job.concurrency_key end,
    lane.waits_for, lane.parents, case when v_all then job.errors -> -1 ->> 'type' end,
    case
      when v_all and job.errors is not null
      then pgq._shorten(split_part(job.errors -> -1 ->> 'message', chr(10), 1), 200)
    end,
    case when v_all then job.progress end,
    case when details then job.args end, case when details then job.headers end,
    case when details then job.errors end, case when details then job.result end, null::bigint
  from unnest(ids, _list_found_jobs.finished_at) with ordinality as found (id, finished_at, place)
  cross join lateral (
    select * from pgq.all_jobs as live
    where live.id = found.id and live.finished_at is null and found.finished_at is null
    union all
    select * from pgq.all_jobs as past
    where past.id = found.id and past.finished_at = found.finished_at
  ) as job
  left join lateral (
    select blocked.waits_for, blocked.parents
    from pgq.blocked_jobs as blocked
    where blocked.id = job.id
    limit 1
  ) as lane on job.state = 'blocked'
  order by found.place;
end
$$;

comment on function pgq._list_found_jobs is
  'Return the jobs that a search has found, in its order.';
