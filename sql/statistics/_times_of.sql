/*
 * Return the mean and some percentiles of times: us is their sum, histogram says how many there
 * are of each length. Nulls if it is null, which means none.
 *
 * A percentile is the time that a part of the jobs did not exceed. It is the geometric middle of
 * its bucket, which is at most 19 per cent off.
 *
 * Tables call it for hundreds of rows. So it reads the digits from the lowest bucket in use up to
 * that of the last percentile, and takes the number of all jobs from the remainder: each group of
 * twelve digits is worth one for itself there.
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
  v_digits constant text := histogram::text;
  v_length constant integer := length(v_digits);
  v_all constant bigint := histogram % 999999999999;
  v_seen bigint := 0;
  v_middle interval;
begin
  if v_all is null or v_all = 0 then
    return;
  end if;
  for v_bucket in (v_length - octet_length(rtrim(v_digits, '0'))) / 12 .. (v_length - 1) / 12 loop
    v_seen := v_seen + substr(v_digits, v_length - 12 * v_bucket - 11, 12)::bigint;
    continue when v_seen * 2 < v_all;
    v_middle := make_interval(secs => 2 ^ ((v_bucket - 20.5::double precision) / 2));
    p50 := coalesce(p50, v_middle);
    continue when v_seen * 20 < v_all * 19;
    p95 := coalesce(p95, v_middle);
    continue when v_seen * 100 < v_all * 99;
    p99 := v_middle;
    exit;
  end loop;
  mean := make_interval(secs => (us / 1000000.0 / v_all)::double precision);
end
$$;

comment on function pgq._times_of is
  'Return the mean and some percentiles of times, from their sum and their histogram.';
