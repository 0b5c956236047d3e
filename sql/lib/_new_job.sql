/*
 * The row of a job about to be enqueued: the options as given, and the default of every other.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._new_job(
  task text,
  args jsonb,
  queue text,
  priority bigint,
  run_at timestamptz,
  delay interval,
  max_attempts bigint,
  backoff jsonb,
  timeout interval,
  expires_in interval,
  unique_key text,
  headers jsonb,
  now_at timestamptz,
  concurrency jsonb,
  depends_on bigint[],
  on_parent_failure text,
  partition_key text,
  batch_id bigint
)
  returns setof pgq.jobs
  language sql
  stable
  rows 1
as $$
  select
    null::bigint,
    coalesce(queue, 'default'),
    task,
    coalesce(priority, 0)::integer,
    0,
    coalesce(max_attempts, 5)::integer,
    coalesce(run_at, pgq._add_interval(now_at, delay), now_at),
    now_at,
    least(
      pgq._add_interval(
        greatest(coalesce(run_at, pgq._add_interval(now_at, delay)), now_at), expires_in
      ),
      case when expires_in is not null then timestamptz '9998-01-01 00:00+00' end
    ),
    timeout,
    unique_key,
    concurrency,
    case when depends_on <> '{}' then depends_on end,
    on_parent_failure,
    batch_id,
    partition_key,
    args,
    headers,
    backoff,
    null::jsonb,
    null::bigint
$$;

comment on function pgq._new_job is
  'The row of a job about to be enqueued: the options as given, and the default of every other.';
