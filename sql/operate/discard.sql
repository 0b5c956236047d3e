/*
 * Delete jobs for good, waiting or finished, and keep nothing of them in the history.
 *
 * Answers per job: discarded; running, then use cancel(); not_found; passed_over, if it is in none
 * of the given states; busy, if another session is changing it. Finished jobs are deleted first, as
 * in retry(); children that wait for a retry of such a job end. A batch goes on counting its jobs
 * that had ended; a job that waited counts as if it had never been in the batch.
 */
create or replace function pgq.discard(ids bigint[], states text[] default null)
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
  perform pgq._check_count(cardinality(discard.ids), 'ids');
  perform pgq._check_count(cardinality(discard.states collate "default"), 'states');
  select array_agg(done.job_id), array_agg(done.outcome)
  into v_jobs, v_outcomes
  from pgq._discard_jobs(discard.ids, discard.states collate "default") as done;
  perform pgq._audit_jobs('discard', v_jobs, v_outcomes, '{discarded}', jsonb_build_object(
    'states', to_jsonb(discard.states)
  ));
  return query select * from unnest(v_jobs, v_outcomes);
end
$$;

comment on function pgq.discard is
  'Delete jobs for good, waiting or finished; answers per job.';
