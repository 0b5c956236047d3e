/*
 * The outcomes of a settle that may leave the job waiting, with the state of each job now. It reads
 * no view, because a session may have forbidden that (restrict_nonsystem_relation_kind).
 */
create or replace function pgq._outcomes_with_state(
  ids bigint[],
  claim_ids bigint[],
  settled bigint[],
  cancelled bigint[]
)
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
  select answer.job_id, answer.outcome, standing.state, standing.run_at
  from pgq._outcomes(ids, claim_ids, settled, cancelled) as answer
  left join lateral (
    select 'scheduled' as state, lane.run_at
    from pgq.scheduled as lane
    where lane.job_id = answer.job_id
    union all
    select 'blocked', null from pgq.blocked as lane where lane.job_id = answer.job_id
    union all
    select 'ready', null from pgq.ready as lane where lane.job_id = answer.job_id
    union all
    select 'running', null from pgq.running as lane where lane.job_id = answer.job_id
    union all
    select past.state, null from pgq.job_history as past where past.id = answer.job_id
    limit 1
  ) as standing on answer.outcome <> 'lost';
end
$$;

comment on function pgq._outcomes_with_state is
  'The outcomes of a settle that may leave the job waiting, with each job''s state now.';
