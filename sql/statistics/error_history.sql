/*
 * How many attempts some errors ended in each whole hour of a window (default: the last 24 hours);
 * hours without any have no row. Up to 100 fingerprints; hours are kept for sixty days.
 */
create or replace function pgq.error_history(
  fingerprints text[],
  queue text default null,
  of_task text default null,
  since timestamptz default null,
  until timestamptz default null
)
  returns table (fingerprint text, task text, at timestamptz, attempts bigint)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_since constant timestamptz := date_trunc(
    'hour', coalesce(error_history.since, pgq._now() - interval '24 hours'), 'UTC'
  );
begin
  perform pgq._check_count(cardinality(fingerprints collate "default"), 'fingerprints', 100);
  return query
  select hourly.fingerprint, hourly.task, hourly.hour, sum(hourly.attempts)::bigint
  from pgq.stat_error_hours as hourly
  where hourly.hour >= v_since
    and hourly.hour < coalesce(error_history.until, 'infinity')
    and hourly.fingerprint = any(fingerprints collate "default")
    and (error_history.queue is null or hourly.queue = error_history.queue collate "default")
    and (error_history.of_task is null or hourly.task = error_history.of_task collate "default")
  group by hourly.fingerprint, hourly.task, hourly.hour
  order by hourly.fingerprint, hourly.task, hourly.hour;
end
$$;

comment on function pgq.error_history is
  'How many attempts some errors ended in each hour of a window.';
