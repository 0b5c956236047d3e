/*
 * Whether a job fits the filters of a search, without a look at its state: its caller reads only
 * the states that were asked for. For a live job finished_at is null. It has no settings, so that
 * it is inlined.
 */
create or replace function pgq._job_fits(
  wanted pgq.job_filters,
  queue text,
  task text,
  unique_key text,
  concurrency jsonb,
  partition_key text,
  batch_id bigint,
  worker_id bigint,
  created_at timestamptz,
  finished_at timestamptz,
  errors jsonb,
  headers jsonb,
  args jsonb
)
  returns boolean
  language sql
  immutable
as $$
  select (wanted.queue is null or wanted.queue = _job_fits.queue)
    and (wanted.task is null or wanted.task = _job_fits.task)
    and (wanted.unique_key is null or wanted.unique_key = _job_fits.unique_key)
    and (wanted.concurrency_key is null or wanted.concurrency_key = concurrency ->> 'key')
    and (wanted.partition_key is null or wanted.partition_key = _job_fits.partition_key)
    and (wanted.batch_id is null or wanted.batch_id = _job_fits.batch_id)
    and (wanted.worker_id is null or wanted.worker_id = _job_fits.worker_id)
    and (wanted.created_after is null or created_at >= wanted.created_after)
    and (wanted.created_before is null or created_at < wanted.created_before)
    and (finished_at is null or wanted.finished_after is null
      or finished_at >= wanted.finished_after)
    and (finished_at is null or wanted.finished_before is null
      or finished_at < wanted.finished_before)
    and (wanted.error_type is null or wanted.error_type = errors -> -1 ->> 'type')
    and (wanted.fingerprint is null or wanted.fingerprint = errors -> -1 ->> 'fingerprint')
    and (wanted.headers is null or _job_fits.headers @> wanted.headers)
    and (wanted.args is null or _job_fits.args @> wanted.args)
$$;

comment on function pgq._job_fits is
  'Whether a job fits the filters of a search, without a look at its state.';
