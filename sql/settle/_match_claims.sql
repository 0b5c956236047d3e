/*
 * The jobs that may be claimed under exactly the claim id given with each, and the distinct claim
 * ids. The caller must still compare with these claim ids when it takes the jobs. No lock.
 *
 * With a single claim id, that is every job. With several, a job might be claimed under the claim
 * id given with another job, which does not prove the right to settle it; such jobs are left out. A
 * job that is claimed again later has a claim id that is not in the list.
 *
 * If there are results, the jobs are sorted, and the results are at the same places. If some
 * results cannot be stored, it returns only the problems, at their places.
 */
create or replace function pgq._match_claims(
  ids bigint[],
  claim_ids bigint[],
  results text[],
  out held bigint[],
  out held_results jsonb[],
  out held_claim_ids bigint[],
  out problems text[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_results jsonb[];
  v_single constant boolean := claim_ids[array_lower(claim_ids, 1)] = all(claim_ids);
begin
  perform pgq._check_claim_pairs(ids, claim_ids);
  if results is not null then
    select parse.parsed, parse.problems
    into v_results, problems
    from pgq._parse_results(results) as parse;
    if problems is not null then
      return;
    end if;
  end if;
  if v_single and results is null then
    held := ids;
    held_claim_ids := claim_ids[array_lower(claim_ids, 1):array_lower(claim_ids, 1)];
    return;
  end if;
  held_claim_ids := array(select distinct unnest(claim_ids));
  select coalesce(array_agg(asked.job_id order by asked.job_id), '{}'),
    array_agg(asked.result order by asked.job_id) filter (where results is not null)
  into held, held_results
  from unnest(ids, claim_ids, v_results) as asked (job_id, claim_id, result)
  where asked.job_id is not null
    and (
      v_single
      or (
        select true
        from pgq.running
        where running.job_id = asked.job_id
          and running.claim_id = asked.claim_id
      )
    );
end
$$;

comment on function pgq._match_claims is
  'The jobs that may be claimed under exactly the claim id given with each.';
