/*
 * Return the mean and some percentiles of times: us is their sum, histogram says how many there
 * are of each length. Nulls if it is null, which means none.
 *
 * A percentile is the time that a part of the jobs did not exceed. It is the geometric middle of
 * its bucket, which is at most 19 per cent off.
 */
create or replace function pgq._times_of(
  us numeric,
  histogram numeric,
  out mean interval,
  out p50 interval,
  out p95 interval,
  out p99 interval
)
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_counts constant bigint[] := pgq._counts_of(histogram);
  v_all bigint := 0;
  v_seen bigint := 0;
  v_middle interval;
begin
  for v_place in 1..coalesce(cardinality(v_counts), 0) loop
    v_all := v_all + v_counts[v_place];
  end loop;
  -- From the lowest bucket on.
  for v_place in reverse coalesce(cardinality(v_counts), 0)..1 loop
    continue when v_counts[v_place] = 0;
    v_seen := v_seen + v_counts[v_place];
    v_middle := make_interval(secs => 2 ^ ((34.5::double precision - v_place) / 2));
    p50 := coalesce(p50, case when v_seen >= v_all * 0.5 then v_middle end);
    p95 := coalesce(p95, case when v_seen >= v_all * 0.95 then v_middle end);
    p99 := coalesce(p99, case when v_seen >= v_all * 0.99 then v_middle end);
    exit when p99 is not null;
  end loop;
  mean := make_interval(secs => (us / 1000000.0 / nullif(v_all, 0))::double precision);
end
$$;

comment on function pgq._times_of is
  'Return the mean and some percentiles of times, from their sum and their histogram.';
