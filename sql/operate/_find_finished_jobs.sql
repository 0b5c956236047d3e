/*
 * The first max_jobs finished jobs after after_id, and up to last_id, that find_jobs() asks for.
 * Planned again for every call, as _find_live_jobs is: a search for failed jobs alone then uses
 * their index.
 */
create or replace function pgq._find_finished_jobs(
  queue text,
  task text,
  states text[],
  unique_key text,
  concurrency_key text,
  partition_key text,
  batch_id bigint,
  created_before timestamptz,
  headers jsonb,
  error_type text,
  max_jobs bigint,
  after_id bigint,
  finished_before timestamptz,
  fingerprint text,
  last_id bigint default null
)
  returns bigint[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
begin
  return array(
    select past.id
    from pgq.job_history as past
    where past.id > after_id
      and (last_id is null or past.id <= last_id)
      and (states is null or past.state = any(states))
      and (_find_finished_jobs.queue is null or past.queue = _find_finished_jobs.queue)
      and (_find_finished_jobs.task is null or past.task = _find_finished_jobs.task)
      and (
        _find_finished_jobs.unique_key is null
        or past.unique_key = _find_finished_jobs.unique_key
      )
      and (
        _find_finished_jobs.concurrency_key is null
        or past.concurrency ->> 'key' = _find_finished_jobs.concurrency_key
      )
      and (
        _find_finished_jobs.partition_key is null
        or past.partition_key = _find_finished_jobs.partition_key
      )
      and (_find_finished_jobs.batch_id is null or past.batch_id = _find_finished_jobs.batch_id)
      and (created_before is null or past.created_at < created_before)
      and (
        _find_finished_jobs.finished_before is null
        or past.finished_at < _find_finished_jobs.finished_before
      )
      and (_find_finished_jobs.headers is null or past.headers @> _find_finished_jobs.headers)
      and (error_type is null or past.errors -> -1 ->> 'type' = error_type)
      and (fingerprint is null or past.errors -> -1 ->> 'fingerprint' = fingerprint)
    order by past.id
    limit max_jobs
  );
end
$$;

comment on function pgq._find_finished_jobs is
  'The first max_jobs finished jobs after after_id that find_jobs() asks for.';
