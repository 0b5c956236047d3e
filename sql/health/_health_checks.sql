/*
 * Return what the checks of health() say, but those of its deep ones, with nothing hidden. If one
 * may not run, a row named rights says so, in place of the remaining checks.
 */
create or replace function pgq._health_checks(
  now_at timestamptz,
  max_lag interval,
  max_age interval
)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_max_lag constant interval := coalesce(max_lag, interval '1 hour');
begin
  return query
  select 'schema', 'ok', null::double precision,
    format('version %s, protocol %s', pgq.version(), pgq._protocol()), null::text,
    'The package and the schema do not fit together.'
  union all select * from pgq._health_workers(now_at, max_age)
  union all select * from pgq._health_queues(now_at, v_max_lag, max_age)
  union all select * from pgq._health_limits(now_at, v_max_lag)
  union all select * from pgq._health_failures(now_at)
  union all select * from pgq._health_late_work(now_at)
  union all select * from pgq._health_maintenance(now_at)
  union all select * from pgq._health_paused(now_at)
  union all select * from pgq._health_bulk(now_at)
  union all select * from pgq._health_statistics(now_at)
  union all select * from pgq._health_history(now_at)
  union all select * from pgq._health_retention();
exception when insufficient_privilege then
  return query select * from pgq._missing_right(sqlerrm);
end
$$;

comment on function pgq._health_checks is
  'Return what the checks of health() say, but those of its deep ones, with nothing hidden.';
