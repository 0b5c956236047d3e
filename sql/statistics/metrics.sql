/*
 * Numbers for a monitoring system, a row per sample, those of a family together. name is that of
 * the sample: of a counter the family with _total. Units are seconds.
 *
 * Reads samples, settings, workers and schedules, no job: it costs the same whatever waits. Where
 * no worker has sampled for 30 seconds, it costs a sample. Labels name queues (500 at most) and
 * never jobs, workers or keys. help is the same in all rows of a family.
 */
create or replace function pgq.metrics()
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
  busy as (
    select 'worker_slots_busy', '{}'::jsonb, coalesce(sum(value), 0)
    from measured
    where family = 'queue_jobs'
      and labels ->> 'state' = 'running'
  )
  select 'pgq_' || known.family, known.type, known.help,
    'pgq_' || known.family || case known.type when 'counter' then '_total' else '' end,
    sample.labels, sample.value
  from pgq._metric_families() with ordinality as known (family, type, help, place)
  join (select * from measured union all select * from busy) as sample (family, labels, value)
    on sample.family = known.family
  order by known.place, sample.labels;
end
$$;

comment on function pgq.metrics is
  'Numbers for a monitoring system, a row per sample, those of a family together.';
