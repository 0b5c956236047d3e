/*
 * Those of these claims' jobs that leave no row in the history if they succeed
 * now, sorted, and their claims: the age of their task, queue or of all is zero, nobody waits for
 * them by await_jobs(), and no job depends on them. The caller keeps those of a batch, which counts
 * them in the history. Runs under the planner settings of complete_batch.
 */
create or replace function pgq._leave_no_row(
  ids bigint[],
  claim_ids bigint[],
  out bare bigint[],
  out bare_claims bigint[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_any_awaited constant boolean := pg_relation_size('pgq.awaited'::regclass) > 0;
  v_any_parents constant boolean := pg_relation_size('pgq.dependencies'::regclass) > 0;
begin
  select coalesce(array_agg(job_id order by job_id), '{}'),
    coalesce(array_agg(claim_id order by job_id), '{}')
  into bare, bare_claims
  from (
    select queue, task, array_agg(job_id) as jobs, array_agg(claim_id) as claims
    from pgq.running
    where job_id = any(ids)
      and claim_id = any(array(select distinct unnest(_leave_no_row.claim_ids)))
    group by queue, task
  ) as kind
  cross join lateral unnest(jobs, claims) as one (job_id, claim_id)
  where coalesce(
      (select succeeded from pgq.retention where queue = '' and task = kind.task),
      (select succeeded from pgq.retention where queue = kind.queue and task = ''),
      (select succeeded from pgq.retention where queue = '' and task = '')
    ) = interval '0'
    and (
      not v_any_awaited
      or (select true from pgq.awaited as asked where asked.job_id = one.job_id limit 1) is null
    )
    and (
      not v_any_parents
      or (
        select true from pgq.dependencies where parent_id = one.job_id
        order by outlasts_failure, child_id + 0 limit 1
      ) is null
    );
end
$$;

comment on function pgq._leave_no_row is
  'Those of these jobs that leave no row in the history if they succeed now.';
