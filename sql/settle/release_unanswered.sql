/*
 * Hand back the jobs that a worker has claimed under other claim ids than these, without counting
 * the attempt; answer how many. This is for a worker that did not get the answer to a claim. It
 * must send no other claim meanwhile. That claim may still arrive, so call this again until the
 * lease is over.
 *
 * Locks the claims in the order of their jobs.
 */
create or replace function pgq.release_unanswered(worker_id bigint, claim_ids bigint[])
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_claims bigint[];
begin
  perform pgq._check_count(cardinality(release_unanswered.claim_ids), 'claim_ids');
  select array_agg(claim.job_id), array_agg(claim.claim_id)
  into v_ids, v_claims
  from pgq.running as claim
  where claim.worker_id = release_unanswered.worker_id
    and (claim.claim_id = any(claim_ids)) is not true;

  if v_ids is null then
    return 0;
  end if;
  v_ids := pgq._lock_claims(v_ids, v_claims);
  return (
    select count(*)
    from pgq._settle_unfinished(v_ids, pgq._revoke_claims(v_ids), '{}', 'released')
    where outcome in ('ok', 'cancelled')
  );
end
$$;

comment on function pgq.release_unanswered is
  'Hand back jobs that a worker claimed by a call whose answer it did not get.';
