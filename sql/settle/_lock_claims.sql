/*
 * The fence: lock the claims that are still held under the given claim ids, in the order of their
 * jobs, and return those jobs. It waits for a claim that another session is settling.
 */
create or replace function pgq._lock_claims(ids bigint[], claim_ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  perform pgq._check_claim_pairs(ids, claim_ids);
  return array(
    select held.job_id
    from (
      select distinct asked.job_id, asked.claim_id
      from unnest(ids, claim_ids) as asked (job_id, claim_id)
      order by asked.job_id
    ) as asked
    cross join lateral (
      select claim.job_id
      from pgq.running as claim
      where claim.job_id = asked.job_id
        and claim.claim_id = asked.claim_id
      for update
    ) as held
  );
end
$$;

comment on function pgq._lock_claims is
  'The fence: lock the claims still held under the given claim ids and return their jobs.';
