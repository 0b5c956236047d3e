/*
 * Hand claimed jobs back at once, without counting the attempt: for jobs that a worker has not
 * started. They wait behind the other jobs of their priority. Answers like fail_batch; locks the
 * claims in the order of their jobs.
 */
create or replace function pgq.release_batch(ids bigint[], claim_ids bigint[])
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select * from pgq._settle_unfinished(ids, claim_ids, '{}', 'released');
end
$$;

comment on function pgq.release_batch is
  'Hand claimed jobs back at once, without counting the attempt; answers per job.';
