/*
 * Whether an index leads to few finished jobs, of which the search wants some, and no others can
 * fit. If not, the search must read the history.
 */
create or replace function pgq._few_finished_jobs(wanted pgq.job_filters, most bigint)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if wanted.batch_id is not null then
    return (
      select count(*) <= most
      from (
        select from pgq.job_history where batch_id = wanted.batch_id limit most + 1
      ) as counted
    );
  end if;
  if wanted.fingerprint is not null and wanted.states <@ array['failed'] then
    return (
      select count(*) <= 2000
      from (
        select
        from pgq.job_history
        where state = 'failed' and errors -> -1 ->> 'fingerprint' = wanted.fingerprint
        limit 2001
      ) as counted
    );
  end if;
  if wanted.error_type is not null and wanted.states <@ array['failed'] then
    return (
      select count(*) <= 2000
      from (
        select
        from pgq.job_history
        where state = 'failed' and errors -> -1 ->> 'type' = wanted.error_type
        limit 2001
      ) as counted
    );
  end if;
  if wanted.queue is null or not wanted.states <@ array['failed', 'expired'] then
    return false;
  end if;
  return (
    select count(*) <= most
    from (
      select
      from pgq.job_history
      where queue = wanted.queue
        and state in ('failed', 'expired')
        and finished_at >= coalesce(wanted.finished_after, '-infinity')
        and finished_at < coalesce(wanted.finished_before, 'infinity')
      order by queue, state, finished_at
      limit most + 1
    ) as counted
  );
end
$$;

comment on function pgq._few_finished_jobs is
  'Whether an index leads to the few finished jobs that can fit a search.';
