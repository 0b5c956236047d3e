/*
 * The outcomes of a settle that may leave the job waiting, with where each job stands now.
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
    select job.state, case when job.state = 'scheduled' then job.run_at end as run_at
    from pgq.all_jobs as job
    where job.id = answer.job_id
      and answer.outcome <> 'lost'
    limit 1
  ) as standing on true;
end
$$;

comment on function pgq._outcomes_with_state is
  'The outcomes of a settle that may leave the job waiting, with where each job stands now.';
