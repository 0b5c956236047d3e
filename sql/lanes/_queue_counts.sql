/*
 * Of every queue that is configured, has ready or running jobs, or failures since yesterday: what
 * is ready and what ended badly in the last 24 hours, each counted up to 10,000, and since when the
 * oldest ready job has been waiting.
 *
 * Costs the same at any backlog and any number of failures: counts read indexes alone, and queues
 * are found by a probe each. The view queue_stats calls it with its reader's rights, so this has
 * the definer's.
 */
create or replace function pgq._queue_counts()
  returns table (
    queue text, ready bigint, oldest_at timestamptz, failed bigint, expired bigint
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
declare
  v_since constant timestamptz := pgq._now() - interval '24 hours';
  v_day constant timestamptz := date_trunc('day', v_since, 'UTC');
  v_most constant bigint := 10000;
begin
  return query
  with recursive troubled as (
    (
      select past.queue from pgq.job_history as past
      where past.state in ('failed', 'expired') and past.finished_at >= v_day
      order by past.queue
      limit 1
    )
    union all
    select following.queue
    from troubled
    cross join lateral (
      select past.queue from pgq.job_history as past
      where past.queue > troubled.queue
        and past.state in ('failed', 'expired') and past.finished_at >= v_day
      order by past.queue
      limit 1
    ) as following
  ),
  named as (
    select name as queue from pgq.queues
    union select found from pgq._ready_queues() as found
    union select claim.queue from pgq.running as claim
    union select troubled.queue from troubled
  )
  select named.queue, pgq._count_ready(named.queue, v_most), oldest.ready_at, failures.jobs,
    expiries.jobs
  from named
  cross join lateral (
    select min(head.ready_at) as ready_at from pgq._oldest_ready(named.queue) as head
  ) as oldest
  cross join lateral (
    select count(*) as jobs
    from (
      select from pgq.job_history as past
      where past.queue = named.queue and past.state = 'failed' and past.finished_at > v_since
      limit v_most
    ) as counted
  ) as failures
  cross join lateral (
    select count(*) as jobs
    from (
      select from pgq.job_history as past
      where past.queue = named.queue and past.state = 'expired' and past.finished_at > v_since
      limit v_most
    ) as counted
  ) as expiries;
end
$$;

comment on function pgq._queue_counts is
  'What is ready and what failed of late in every queue, counted up to 10,000.';
