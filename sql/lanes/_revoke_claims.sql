/*
 * Take claims, whose rows the caller holds, away from their workers, to settle them for another
 * reason than its word; return the new claim ids, by place. What the old one says is then lost: it
 * is not the settle of its own claim that ended the attempt.
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
