/*
 * The jobs that may be held under just the claim id given with each; the caller must still ask for
 * one of these claim ids when it takes them. No lock.
 *
 * With a single claim id, that is every job. With several, a job may be held under the claim id
 * given with another job, which is no proof; one that is claimed anew from now on has a claim id
 * that is not among them.
 */
create or replace function pgq._held_jobs(
  ids bigint[],
  claim_ids bigint[],
  distinct_claim_ids bigint[]
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgq._check_pairs(ids, claim_ids);
  if cardinality(distinct_claim_ids) = 1 then
    return ids;
  end if;
  return array(
    select asked.job_id
    from unnest(ids, claim_ids) as asked (job_id, claim_id)
    cross join lateral (
      select
      from pgq.running
      where running.job_id = asked.job_id
        and running.claim_id = asked.claim_id
      offset 0
    ) as claim
  );
end
$$;

comment on function pgq._held_jobs is
  'The jobs that may be held under just the claim id given with each.';
