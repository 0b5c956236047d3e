/*
 * Check every invariant of jobs that no constraint can enforce: of lanes, claims, slots, keys,
 * batches and marks. Returns a row per violation, and none if all is well. To check whether the
 * schema itself is as it was installed (functions, views, indexes, owners, grants), call
 * health(deep => true).
 *
 * It reads everything once. Use it in tests, and when something looks wrong.
 */
create or replace function pgq.verify()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select * from pgq._verify_lanes()
  union all
  select * from pgq._verify_blocked()
  union all
  select * from pgq._verify_slots()
  union all
  select * from pgq._verify_order()
  union all
  select * from pgq._verify_batches()
  union all
  select * from pgq._verify_statistics()
  union all
  select 'job both live and finished', past.id, past.state
  from pgq.job_history as past
  join pgq.jobs as job on job.id = past.id
  union all
  select 'job finished more than once', past.id, string_agg(past.state, ', ')
  from pgq.job_history as past
  group by past.id
  having count(*) > 1
  union all
  select 'finished job whose state is not final, or does not fit', past.id, past.state
  from pgq.job_history as past
  where case past.state
    when 'succeeded' then false
    when 'failed' then past.result is not null
    when 'cancelled' then past.result is not null
    when 'expired' then past.result is not null or past.attempt > 0
    else true
  end
  union all
  select 'claim of an unknown worker', claim.job_id, claim.worker_id::text
  from pgq.running as claim
  where claim.worker_id is not null
    and not exists (select from pgq.workers as worker where worker.id = claim.worker_id)
    -- A worker may leave while another session holds its claim; the next rescue finds the claim.
    and not exists (select from pgq.past_workers as past where past.id = claim.worker_id)
  union all
  select 'unique key until the claim of a job that does not wait', scope.job_id, null
  from pgq.queued_keys as scope
  where not exists (select from pgq.jobs as job where job.id = scope.job_id)
    or exists (select from pgq.running as claim where claim.job_id = scope.job_id)
  union all
  select 'job id above the sequence', job.id, null
  from pgq.jobs as job
  where job.id > (select last_value from pgq.jobs_id_seq)
  union all
  select * from pgq._verify_marks()
$$;

comment on function pgq.verify is
  'Check every invariant of jobs; a row per violation. The schema: see health(deep => true).';
