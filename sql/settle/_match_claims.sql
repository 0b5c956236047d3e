/*
 * The jobs that may be held under just the claim id given with each, with the distinct claim ids;
 * the caller must still ask for one of these when it takes them. No lock.
 *
 * With a single claim id, that is every job. With several, a job may be held under the claim id
 * given with another job, which is no proof; one that is claimed anew from now on has a claim id
 * that is not among them.
 *
 * With results, the jobs are sorted and the results stand at the same places; without, there are
 * none. Where some cannot be stored, there is nothing but what is wrong, at their places.
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
  'The jobs that may be held under just the claim id given with each.';
