/*
 * Return the rows of metrics() about everything that has happened. The rows of a histogram are in
 * their order.
 *
 * It forbids nested loops, because they would go over all rows again for each row that they find.
 *
 * A histogram has every fourth of the bounds that are stored, so its counts are exact. Its bounds
 * are 4^-4 to 4^5 seconds; 6 stands for no bound.
 */
create or replace function pgq._counted_metrics(tasks boolean)
  returns table (family text, suffix text, labels jsonb, value double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = on
  set enable_nestloop = off
  set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with named as materialized (select * from pgq._metric_labels(tasks)),
  texts as materialized (select distinct on (place) place, labels from named),
  totals as materialized (
    select named.place, total.*
    from pgq.stat_totals as total
    join named using (queue, task)
  ),
  lengths as materialized (
    select place, 'job_wait_seconds' as family, wait_us as us, waits as counts,
      array_lower(waits, 1) as lowest
    from totals where waits is not null
    union all
    select place, 'job_run_seconds', run_us, runs, array_lower(runs, 1)
    from totals where runs is not null
  ),
  sums as materialized (
    select place, family, sum(us) / 1e6 as seconds from lengths group by place, family
  ),
  counts as materialized (
    -- Rounds up: the subscripts begin at -20.
    select lengths.place, family,
      least(greatest((lowest + part.place + 22) / 4 - 5, -4), 6) as exponent,
      sum(part.jobs::double precision) as jobs
    from lengths
    cross join lateral unnest(counts) with ordinality as part (jobs, place)
    group by 1, 2, 3
  ),
  bounds as materialized (
    select exponent,
      jsonb_build_object('le', coalesce(trim_scale(4.0 ^ nullif(exponent, 6))::text, '+Inf')) as le
    from generate_series(-4, 6) as exponent
  ),
  buckets as materialized (
    select sums.place, sums.family, exponent, le,
      sum(coalesce(jobs, 0)) over (partition by sums.place, sums.family order by exponent) as jobs
    from sums
    cross join bounds
    left join counts using (place, family, exponent)
  )
  select told.family, told.suffix, texts.labels || told.labels, told.value
  from (
    select place, 0, 'jobs_ended', '_total', jsonb_build_object('outcome', outcome),
      sum(jobs)::double precision
    from totals
    group by place, outcome
    union all
    select place, exponent, family, '_bucket', le, jobs from buckets
    union all
    select place, 7, family, '_count', '{}', jobs from buckets where exponent = 6
    union all
    select place, 8, family, '_sum', '{}', seconds from sums
  ) as told (place, line, family, suffix, labels, value)
  join texts using (place)
  order by told.place, told.line, told.labels;
end
$$;

comment on function pgq._counted_metrics is
  'Return the rows of metrics() about everything that has happened.';
