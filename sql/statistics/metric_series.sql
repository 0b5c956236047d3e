/*
 * Return the numbers of metrics(), with one row for a whole histogram: value is its sum, and counts
 * says how many were up to each of its bounds, and at last how many there are. Other rows have
 * neither. A scrape reads this, for a fifth of the rows.
 *
 * It reads samples, totals, settings, workers and schedules, but no jobs: it costs the same
 * whatever waits. If no worker has sampled for 30 seconds, it costs as much as a sample. Labels
 * name up to 500 queues, and up to 200 pairs of queue and task, unless tasks is false. They never
 * name jobs, workers or keys.
 */
create or replace function pgq.metric_series(tasks boolean default true)
  returns table (
    family text, type text, help text, labels jsonb, value double precision,
    bounds double precision[], counts bigint[]
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
  c_bounds constant double precision[] := array(
    select 4.0::double precision ^ exponent from generate_series(-4, 5) as exponent
  );
  v_now constant timestamptz := pgq._now();
begin
  return query
  with measured as materialized (
    select * from pgq._queue_metrics(v_now)
    union all
    select * from pgq._house_metrics(v_now)
    union all
    select * from pgq._sampled_metrics(v_now)
  ),
  series (family, labels, value, counts) as materialized (
    select family, labels, value, null::bigint[] from measured
    union all
    select 'worker_slots_busy', '{}', coalesce(sum(value), 0), null
    from measured
    where family = 'queue_jobs'
      and labels ->> 'state' = 'running'
    union all
    select * from pgq._counted_metrics(coalesce(metric_series.tasks, true))
  )
  select 'pgq_' || known.family, known.type, known.help, series.labels, series.value,
    case when series.counts is not null then c_bounds end, series.counts
  from pgq._metric_families() with ordinality as known (family, type, help, place)
  join series on series.family = known.family
  order by known.place;
end
$$;

comment on function pgq.metric_series is
  'Return the numbers of metrics(), with one row for a whole histogram.';
