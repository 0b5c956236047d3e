create or replace function pgq._add_histograms(counts bigint[], more bigint[])
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_sums bigint[] := counts;
begin
  if more is null or counts is null then
    return coalesce(counts, more);
  end if;
  for v_bucket in array_lower(more, 1)..array_upper(more, 1) loop
    v_sums[v_bucket] := coalesce(v_sums[v_bucket], 0) + more[v_bucket];
  end loop;
  return array_replace(v_sums, null, 0);
end
$$;

comment on function pgq._add_histograms is
  'Add two histograms, bucket by bucket. Null has no buckets.';
