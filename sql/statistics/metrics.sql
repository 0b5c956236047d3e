/*
 * Return numbers for a monitoring system, a row per sample. The rows of a family stand together,
 * and have the same help. Units are seconds.
 *
 * name is that of the sample. A counter has the name of its family with _total. A histogram has
 * _bucket (the label le says up to how many seconds), _count and _sum.
 *
 * It reads what metric_series() reads, which says what labels name.
 */
create or replace function pgq.metrics(tasks boolean default true)
  returns table (
    family text, type text, help text, name text, labels jsonb, value double precision
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  v_bounds constant jsonb[] := array(
    select jsonb_build_object('le', trim_scale(4.0 ^ exponent)::text)
    from generate_series(-4, 5) as exponent
  ) || jsonb_build_object('le', '+Inf');
begin
  return query
  select series.family, series.type, series.help, series.family || sample.suffix,
    series.labels || sample.labels, sample.value
  from pgq.metric_series(metrics.tasks) as series
  cross join lateral (
    select case series.type when 'counter' then '_total' else '' end, '{}'::jsonb, series.value
    where series.counts is null
    union all
    select '_bucket', v_bounds[place], counted::double precision
    from unnest(series.counts) with ordinality as told (counted, place)
    union all
    select '_count', '{}', series.counts[11] where series.counts is not null
    union all
    select '_sum', '{}', series.value where series.counts is not null
  ) as sample (suffix, labels, value);
end
$$;

comment on function pgq.metrics is 'Return numbers for a monitoring system, a row per sample.';
