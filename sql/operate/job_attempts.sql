/*
 * The attempts of a job, the oldest first: the last ten that ended with an error, and the one that
 * runs or ended otherwise. outcome: failed, lost (its worker was gone), succeeded, cancelled or
 * running. A run that was snoozed or released is no attempt.
 *
 * Callers who may not read failed_jobs do not see what the errors say.
 */
create or replace function pgq.job_attempts(job_id bigint)
  returns table (
    attempt bigint, outcome text, ready_at timestamptz, started_at timestamptz,
    ended_at timestamptz, worker_id bigint, worker text, error_type text, message text,
    traceback text, fingerprint text
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  with job as materialized (
    select * from pgq.all_jobs as found where found.id = job_attempts.job_id limit 1
  ),
  errors as materialized (
    select said.place, said.entry, (said.entry ->> 'started_at')::timestamptz as started_at,
      case
        when job.state = 'cancelled'
          and (said.entry ->> 'started_at')::timestamptz = job.claimed_at
        then 'cancelled'
        when said.entry ->> 'type' = 'WorkerLost' then 'lost'
        else 'failed'
      end as outcome
    from job
    cross join lateral jsonb_array_elements(job.errors) with ordinality as said (entry, place)
    where said.entry ? 'attempt'
  ),
  attempts as (
    select errors.place, (errors.entry ->> 'attempt')::bigint, errors.outcome,
      (errors.entry ->> 'ready_at')::timestamptz, errors.started_at,
      (errors.entry ->> 'failed_at')::timestamptz, (errors.entry ->> 'worker_id')::bigint,
      errors.entry ->> 'worker', case when pgq._sees_contents() then errors.entry end
    from errors
    union all
    select 11, job.attempt, job.state, job.ready_at, job.claimed_at, job.finished_at,
      job.worker_id, pgq._worker_name(job.worker_id), null
    from job
    where not exists (select from errors where errors.started_at = job.claimed_at)
      and job.claimed_at is not null
  )
  select one.number, one.word, one.ready, one.started, one.ended, one.who, one.name,
    one.error ->> 'type', one.error ->> 'message', one.error ->> 'traceback',
    one.error ->> 'fingerprint'
  from attempts as one (place, number, word, ready, started, ended, who, name, error)
  order by one.place;
end
$$;

comment on function pgq.job_attempts is
  'The attempts of a job: when each waited, ran and ended, with whom, and how.';
