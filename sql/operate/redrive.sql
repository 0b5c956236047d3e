/*
 * Enqueue again the jobs for which these dead letters were enqueued by on_exhausted, and end the
 * dead letters as cancelled. The new job has the task, args, headers, queue, priority,
 * max_attempts, backoff, timeout, partition key and semaphore of the one that failed, and all its
 * attempts. Its header redriven_from is the id of that one, which stays as it is.
 *
 * Answers per dead letter: redriven, with the id of the new job; running; finished, if it has
 * ended; not_failed, if the job is not in the history as failed any more, because it was retried or
 * pruned; duplicate, if another one of the call is for the same job; no_letter, if it was not
 * enqueued by on_exhausted; not_found; busy, if another session is changing it.
 */
create or replace function pgq.redrive(ids bigint[])
  returns table (job_id bigint, outcome text, new_id bigint)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_jobs bigint[];
  v_outcomes text[];
  v_new bigint[];
begin
  perform pgq._check_count(cardinality(redrive.ids), 'ids');
  select array_agg(done.job_id), array_agg(done.outcome), array_agg(done.new_id)
  into v_jobs, v_outcomes, v_new
  from pgq._redrive_jobs(redrive.ids) as done;
  perform pgq._audit_jobs('redrive', v_jobs, v_outcomes, '{redriven}', '{}');
  return query select * from unnest(v_jobs, v_outcomes, v_new);
end
$$;

comment on function pgq.redrive is
  'Enqueue again the jobs that failed, by their dead letters, and end these; answers per job.';
