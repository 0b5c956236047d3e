/*
 * Whether a live job of a batch is visible. It reads the newest first, because the oldest usually
 * ended first and left dead index entries. It asks by a range, because after "=" the order is that
 * of the ids alone, which the primary key has too.
 */
create or replace function pgq._batch_has_live_jobs(batch_id bigint)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
as $$
begin
  return (
    select true
    from pgq.jobs as job
    where job.batch_id between _batch_has_live_jobs.batch_id and _batch_has_live_jobs.batch_id
    order by job.batch_id desc, job.id desc
    limit 1
  ) is not null;
end
$$;

comment on function pgq._batch_has_live_jobs is 'Whether a live job of a batch is visible.';
