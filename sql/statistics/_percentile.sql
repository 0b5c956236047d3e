/*
 * The time that a fraction of those in a histogram did not exceed: the geometric middle of its
 * bucket, which is at most 19 per cent off. buckets: their numbers, rising; counts: at the same
 * places. Null: there is nobody.
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
  'The time that a fraction of those in a histogram did not exceed.';
