/*
 * End an attempt of claimed jobs as failed. By place: messages, error_types and tracebacks describe
 * the error; final: true means no retry; retry_in: when to retry, instead of the job's backoff;
 * cancel: true ends the job as cancelled; fingerprints: what tells the error from others, of 100
 * characters at most, instead of what is made of its words.
 *
 * A job with attempts left is retried. A job without ends as failed, and the job that its task
 * names by on_exhausted is enqueued. A job that somebody asked to
 * cancel ends as cancelled, and its outcome is cancelled too. Answers like complete_batch, with the
 * job's state now and the time of its next attempt. Locks the claims in the order of their jobs.
 */
create or replace function pgq.fail_batch(
  ids bigint[],
  claim_ids bigint[],
  messages text[] default null,
  error_types text[] default null,
  tracebacks text[] default null,
  final boolean[] default null,
  retry_in interval[] default null,
  cancel boolean[] default null,
  fingerprints text[] default null
)
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_held constant bigint[] := pgq._lock_claims(fail_batch.ids, fail_batch.claim_ids);
  v_cancelled constant bigint[] := pgq._with_cancel_request(v_held);
  v_final constant bigint[] := array(
    select asked.job_id
    from unnest(fail_batch.ids, fail_batch.final) as asked (job_id, is_final)
    where asked.is_final
  );
  v_given_up constant bigint[] := array(
    select asked.job_id
    from unnest(fail_batch.ids, fail_batch.cancel) as asked (job_id, is_given_up)
    where asked.is_given_up
      and asked.job_id = any(v_held)
  );
  v_ended constant bigint[] := v_cancelled || v_given_up;
  v_delays constant jsonb := pgq._delays_by_job(fail_batch.ids, fail_batch.retry_in);
  v_failed bigint[];
  v_followed bigint[];
begin
  perform pgq._append_errors(
    v_held, fail_batch.ids, fail_batch.messages, fail_batch.error_types, fail_batch.tracebacks,
    fail_batch.fingerprints, v_now
  );
  select coalesce(array_agg(job.id), '{}'),
    array_agg(job.id) filter (
      where (
        select known.options ? 'on_exhausted' from pgq.tasks as known where known.name = job.task
      )
    )
  into v_failed, v_followed
  from pgq.jobs as job
  where job.id = any(v_held)
    and job.id <> all(v_ended)
    and (job.id = any(v_final) or job.attempt + 1 >= job.max_attempts);
  perform pgq._end_jobs(v_ended, 'cancelled', v_now);
  if v_followed is not null then
    perform pgq._enqueue_exhausted(v_followed, v_now);
  end if;
  perform pgq._end_jobs(v_failed, 'failed', v_now);
  perform pgq._reschedule_claimed(
    array(select unnest(v_held) except select unnest(v_ended || v_failed)), v_delays, 'retried',
    v_now
  );

  return query
  select * from pgq._outcomes_with_state(fail_batch.ids, fail_batch.claim_ids, v_held, v_cancelled);
end
$$;

comment on function pgq.fail_batch is
  'End an attempt of claimed jobs as failed: retried with backoff, or final; answers per job.';
