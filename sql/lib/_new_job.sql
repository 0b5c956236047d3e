/*
 * The row of a job to be enqueued, without its id: the given options, and the default of every
 * other one. The columns are those of jobs in their order, on which the callers rely.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._new_job(
  given pgq.job_options,
  parsed_backoff jsonb,
  now_at timestamptz
)
  returns table (
    queue text,
    task text,
    priority integer,
    attempt integer,
    max_attempts integer,
    run_at timestamptz,
    created_at timestamptz,
    expires_at timestamptz,
    timeout interval,
    unique_key text,
    concurrency jsonb,
    depends_on bigint[],
    on_parent_failure text,
    batch_id bigint,
    partition_key text,
    args jsonb,
    headers jsonb,
    backoff jsonb,
    errors jsonb,
    last_claim_id bigint
  )
  language sql
  stable
  rows 1
as $$
  select
    coalesce(given.queue, 'default'),
    given.task,
    coalesce(given.priority, 0)::integer,
    0,
    coalesce(given.max_attempts, 5)::integer,
    least(
      coalesce(given.run_at, pgq._add_interval(now_at, given.delay), now_at),
      pgq._add_interval(now_at, given.max_wait)
    ),
    now_at,
    least(
      pgq._add_interval(
        least(
          greatest(coalesce(given.run_at, pgq._add_interval(now_at, given.delay)), now_at),
          pgq._add_interval(now_at, given.max_wait)
        ),
        given.expires_in
      ),
      case when given.expires_in is not null then timestamptz '9998-01-01 00:00+00' end
    ),
    given.timeout,
    given.unique_key,
    pgq._concurrency_json(given),
    case when given.depends_on <> '{}' then given.depends_on end,
    given.on_parent_failure,
    given.batch_id,
    given.partition_key,
    coalesce(given.args, '{}'),
    given.headers,
    parsed_backoff,
    null::jsonb,
    null::bigint
$$;

comment on function pgq._new_job is
  'The row of a job about to be enqueued: the options as given, and the default of every other.';
