/*
 * Return the time that a fraction of the jobs in a histogram did not exceed; null for an empty
 * histogram. It is the geometric middle of a bucket, which is at most 19 per cent off.
 *
 * buckets holds the numbers of the buckets, rising; counts holds their counts in the same order.
 */
create or replace function pgq._percentile(
  buckets integer[],
  counts bigint[],
  fraction double precision
)
  returns interval
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_left numeric := ceil((select sum(number) from unnest(counts) as number) * fraction::numeric);
begin
  for v_place in 1..coalesce(cardinality(buckets), 0) loop
    v_left := v_left - counts[v_place];
    if v_left <= 0 and counts[v_place] > 0 then
      return make_interval(secs => 2 ^ ((buckets[v_place] - 0.5) / 2));
    end if;
  end loop;
  return null;
end
$$;

comment on function pgq._percentile is
  'Return the time that a fraction of the jobs in a histogram did not exceed.';
