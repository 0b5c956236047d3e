/*
 * Return how many of a histogram are up to 4^-4 seconds, up to 4^-3, and so on up to 4^5, and how
 * many there are in all. These are every fourth of its own bounds, so the counts are exact.
 */
create or replace function pgq._counts_up_to_bounds(histogram bigint[])
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select coalesce((select sum(number) from unnest(histogram[:bound.bucket]) as number), 0)::bigint
    from unnest(array[-16, -12, -8, -4, 0, 4, 8, 12, 16, 20, 34]) with ordinality
      as bound (bucket, place)
    order by bound.place
  );
end
$$;

comment on function pgq._counts_up_to_bounds is
  'Return how many of a histogram are up to each bound that metrics() tells.';
