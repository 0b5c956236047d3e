create or replace function pgq._check_claim_pairs(ids bigint[], claim_ids bigint[])
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(ids) is distinct from cardinality(claim_ids) then
    raise exception '% jobs but % claims',
      coalesce(cardinality(ids), 0), coalesce(cardinality(claim_ids), 0)
      using errcode = 'JQ002',
            hint = 'For every job, pass the claim_id that claim_batch returned with it.';
  end if;
  if cardinality(ids) > 100000 then
    perform pgq._check_count(cardinality(ids), 'ids');
  end if;
end
$$;

comment on function pgq._check_claim_pairs is
  'Raise unless there are as many claims as jobs, and not too many.';
