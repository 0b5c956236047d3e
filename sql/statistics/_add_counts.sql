/*
 * Add two lists of counts, as _counts_up_to_bounds() makes them.
 */
create or replace function pgq._add_counts(counts bigint[], more bigint[])
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_sums bigint[] := counts;
begin
  for v_place in 1..cardinality(counts) loop
    v_sums[v_place] := v_sums[v_place] + more[v_place];
  end loop;
  return v_sums;
end
$$;

comment on function pgq._add_counts is 'Add two lists of counts, place by place.';
