/*
 * Return numbers for a monitoring system, a row per sample. The rows of a family stand together,
 * and have the same help. Units are seconds.
 *
 * name is that of the sample. A counter has the name of its family with _total. A histogram has
 * _bucket (the label le says up to how many seconds), _count and _sum.
 *
 * It reads samples, totals, settings, workers and schedules, but no jobs: it costs the same
 * whatever waits. If no worker has sampled for 30 seconds, it costs as much as a sample. Labels
 * name up to 500 queues, and up to 200 pairs of queue and task, unless tasks is false. They never
 * name jobs, workers or keys.
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

comment on function pgq.metrics is 'Return numbers for a monitoring system, a row per sample.';
