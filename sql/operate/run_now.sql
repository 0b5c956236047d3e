/*
 * Make scheduled jobs due now, also those that wait for a retry. It does what promote_due() does
 * when their time has come.
 *
 * Answers per job: promoted; waiting, if it waits for a worker, for other jobs or for a semaphore
 * and not for its time; running; finished; not_found; busy, if another session is changing it.
 */
create or replace function pgq.run_now(ids bigint[])
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_jobs bigint[];
  v_outcomes text[];
begin
  perform pgq._check_count(cardinality(run_now.ids), 'ids');
  select array_agg(done.job_id), array_agg(done.outcome)
  into v_jobs, v_outcomes
  from pgq._run_jobs_now(run_now.ids) as done;
  perform pgq._audit_jobs('run_now', v_jobs, v_outcomes, '{promoted}');
  return query select * from unnest(v_jobs, v_outcomes);
end
$$;

comment on function pgq.run_now is 'Make scheduled jobs due now; answers per job.';
