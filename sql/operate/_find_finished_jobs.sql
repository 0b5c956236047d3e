/*
 * Find the finished jobs that fit, between two ids but without them. With `few` it uses an index
 * that leads to few jobs. Otherwise it reads all jobs between the ids, whatever the statistics say
 * about the filters.
 *
 * `id + 0` keeps the planner from the index of the ids. There is a statement for each case,
 * because a session plans each statement for every day of the history.
 */
create or replace function pgq._find_finished_jobs(
  wanted pgq.job_filters,
  low bigint,
  high bigint,
  few boolean
)
  returns table (id bigint, finished_at timestamptz)
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
  v_since constant timestamptz := coalesce(wanted.finished_after, '-infinity');
  v_until constant timestamptz := coalesce(wanted.finished_before, 'infinity');
begin
  if few and wanted.batch_id is not null then
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.batch_id = wanted.batch_id
      and past.id + 0 > low and past.id + 0 < high
      and pgq._finished_job_fits(wanted, past);
  elsif few and wanted.fingerprint is not null and wanted.states <@ array['failed'] then
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.state = 'failed' and past.errors -> -1 ->> 'fingerprint' = wanted.fingerprint
      and past.id + 0 > low and past.id + 0 < high
      and pgq._finished_job_fits(wanted, past);
  elsif few and wanted.error_type is not null and wanted.states <@ array['failed'] then
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.state = 'failed' and past.errors -> -1 ->> 'type' = wanted.error_type
      and past.id + 0 > low and past.id + 0 < high
      and pgq._finished_job_fits(wanted, past);
  elsif few then
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.queue = wanted.queue and past.state in ('failed', 'expired')
      and past.finished_at >= v_since and past.finished_at < v_until
      and past.id + 0 > low and past.id + 0 < high
      and pgq._finished_job_fits(wanted, past);
  elsif 'succeeded' = any(wanted.states) then
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.id > low and past.id < high
      and past.finished_at >= v_since and past.finished_at < v_until
      and pgq._finished_job_fits(wanted, past);
  else
    return query
    select past.id, past.finished_at
    from pgq.job_history as past
    where past.state <> 'succeeded'
      and past.id > low and past.id < high
      and past.finished_at >= v_since and past.finished_at < v_until
      and pgq._finished_job_fits(wanted, past);
  end if;
end
$$;

comment on function pgq._find_finished_jobs is 'Find the finished jobs that fit, between two ids.';
