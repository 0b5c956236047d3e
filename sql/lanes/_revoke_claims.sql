/*
 * Take claims away from their workers, to settle them for another reason than a call of the worker;
 * return the new claim ids, by place. The caller has locked the claims. A later settle with the old
 * claim id then answers lost and not already, because that worker did not end the attempt.
 */
create or replace function pgq._revoke_claims(ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_claim_id constant bigint := 1 + floor(random() * 9007199254740990);
begin
  update pgq.running
  set claim_id = v_claim_id
  where job_id = any(ids);
  return array_fill(v_claim_id, array[cardinality(ids)]);
end
$$;

comment on function pgq._revoke_claims is 'Take claims away from their workers, to settle them.';
