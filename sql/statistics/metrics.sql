/*
 * Numbers for a monitoring system, a row per sample, those of a family together. name is that of
 * the sample: of a counter the family with _total, of a histogram with _bucket (le: up to so many
 * seconds), _count or _sum. Units are seconds.
 *
 * Reads samples, totals, settings, workers and schedules, no job: it costs the same whatever waits.
 * Where no worker has sampled for 30 seconds, it costs a sample. Labels name queues (500 at most),
 * and unless tasks is false 200 queues with their tasks; never jobs, workers or keys. help is the
 * same in all rows of a family.
 */
create or replace function pgq.metrics(tasks boolean default true)
  returns table (
    family text, type text, help text, name text, labels jsonb, value double precision
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
  sample (family, suffix, labels, value, line) as (
    select family, case family when 'enqueued' then '_total' else '' end, labels, value,
      row_number() over (order by labels)
    from measured
    union all
    select 'worker_slots_busy', '', '{}', coalesce(sum(value), 0), 1
    from measured
    where family = 'queue_jobs'
      and labels ->> 'state' = 'running'
    union all
    select * from pgq._counted_metrics(coalesce(metrics.tasks, true)) with ordinality
  )
  select 'pgq_' || known.family, known.type, known.help, 'pgq_' || known.family || sample.suffix,
    sample.labels, sample.value
  from pgq._metric_families() with ordinality as known (family, type, help, place)
  join sample on sample.family = known.family
  order by known.place, sample.line;
end
$$;

comment on function pgq.metrics is
  'Numbers for a monitoring system, a row per sample, those of a family together.';
