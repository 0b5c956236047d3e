/*
 * End claimed jobs as succeeded, with their results (JSON texts, by place; null: none).
 *
 * Answers per job: ok; already, if a call with this claim_id has settled it before; lost, if the
 * claim is not valid any more or was taken away (nothing was changed); refused, if its result
 * cannot be stored (the attempt failed). Runs in the caller's transaction: called in the
 * transaction of the handler's own writes, both commit or neither. A job that left no row in the
 * history, see configure_retention(), is lost when it is settled again.
 *
 * It deletes, and so locks, the claims in the order of their jobs.
 */
create or replace function pgq.complete_batch(
  ids bigint[],
  claim_ids bigint[],
  results text[] default null
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_mergejoin = off
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_match record;
  v_ended bigint[];
  v_bare bigint[];
  v_bare_claims bigint[];
begin
  -- As _may_leave_no_row() says.
  if pg_relation_size('pgq.retention_keeps_none_idx'::regclass) > 8192 then
    select bare, bare_claims
    into v_bare, v_bare_claims
    from pgq._leave_no_row(complete_batch.ids, complete_batch.claim_ids);
  end if;
  if results is null and cardinality(ids) = 1 and cardinality(claim_ids) = 1 then
    v_ended := pgq._complete_one(
      ids[array_lower(ids, 1)], claim_ids[array_lower(claim_ids, 1)], v_now,
      v_bare <> '{}'
    );
  end if;
  if v_ended is null then
    v_match := pgq._match_claims(ids, claim_ids, results);
    if v_match.problems is not null then
      return query
      select * from pgq._complete_or_refuse(ids, claim_ids, results, v_match.problems);
      return;
    end if;
    v_ended := pgq._complete_many(
      v_match.held, v_match.held_claim_ids, v_match.held_results, v_now, v_bare
    );
  end if;

  if cardinality(v_ended) = cardinality(complete_batch.ids) then
    return query select asked, 'ok' from unnest(complete_batch.ids) as asked;
  else
    return query
    select * from pgq._outcomes(ids, claim_ids, v_ended, '{}', v_bare, v_bare_claims);
  end if;
end
$$;

comment on function pgq.complete_batch is
  'End claimed jobs as succeeded, with their results; answers ok, already, lost or refused.';
