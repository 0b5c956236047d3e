/*
 * Those of these claims' jobs that leave no row in the history if they succeed now and nobody needs
 * it, see _need_row(): the age of their task, queue or of all is zero. They are sorted, and their
 * claims with them. The caller keeps those of a batch, which counts them in the history. Runs under
 * the planner settings of complete_batch.
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
    ) = interval '0';
end
$$;

comment on function pgq._leave_no_row is
  'Those of these jobs that leave no row in the history if they succeed and nobody needs it.';
