/*
 * Return how many of a histogram are up to 4^-4 seconds, up to 4^-3, and so on up to 4^5, and how
 * many there are in all. These are every fourth of its own bounds, so the counts are exact.
 */
create or replace function pgq._counts_up_to_bounds(histogram numeric)
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_counts constant bigint[] := pgq._counts_of(histogram);
  v_up_to bigint[] := '{0,0,0,0,0,0,0,0,0,0,0}';
  v_first integer;
begin
  for v_place in 1..coalesce(cardinality(v_counts), 0) loop
    continue when v_counts[v_place] = 0;
    -- Bucket -16 ends at the first bound, -12 at the second, and so on.
    v_first := least(greatest((54 - v_place) / 4 + 1, 1), 11);
    v_up_to[v_first] := v_up_to[v_first] + v_counts[v_place];
  end loop;
  for v_bound in 2..11 loop
    v_up_to[v_bound] := v_up_to[v_bound] + v_up_to[v_bound - 1];
  end loop;
  return v_up_to;
end
$$;

comment on function pgq._counts_up_to_bounds is
  'Return how many of a histogram are up to each bound that metrics() tells.';
