/*
 * Return the rows of metrics() about the queues that depths() names, and about those with limits.
 */
create or replace function pgq._queue_metrics(now_at timestamptz)
  returns table (family text, labels jsonb, value double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with depth as materialized (
    select * from pgq.depths()
  ),
  living as materialized (
    select worker.queues from pgq.workers as worker
    where now_at - worker.heartbeat_at <= worker.lease
  ),
  limited as materialized (
    select queue, max_running, tokens from pgq.queue_limits
    where queue in (select queue from depth)
  )
  select measured.family, jsonb_build_object('queue', queue) || measured.labels, measured.value
  from depth
  cross join lateral (
    select 'queue_jobs', jsonb_build_object('state', state), jobs::double precision
    from (
      values ('ready', ready), ('scheduled', scheduled), ('blocked', blocked), ('running', running)
    ) as counted (state, jobs)
    union all
    select 'queue_jobs_estimated', jsonb_build_object('state', state),
      (state = any(estimated))::integer
    from unnest(array['ready', 'scheduled', 'blocked', 'running']) as state
    union all
    values
      ('queue_latency_seconds', '{}'::jsonb, coalesce(extract(epoch from lag), 0)),
      ('failed_jobs', '{}', failed),
      ('failed_job_oldest_age_seconds', '{}',
        coalesce(extract(epoch from now_at - oldest_failed_at), 0))
    union all
    select 'queue_paused', '{}', coalesce(max(setting.paused::integer), 0)
    from pgq.queue_settings as setting
    where setting.queue = depth.queue
    union all
    select 'queue_workers', '{}', count(*)
    from living
    where exists (
      select from unnest(living.queues) as selector
      where pgq._selector_matches(selector, depth.queue)
    )
    union all
    select 'queue_running_limit', '{}', max_running from limited
    where limited.queue = depth.queue and max_running is not null
    union all
    select 'queue_tokens', '{}', tokens from limited
    where limited.queue = depth.queue and tokens is not null
  ) as measured (family, labels, value);
end
$$;

comment on function pgq._queue_metrics is 'Return the rows of metrics() about the queues.';
