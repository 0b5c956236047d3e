/*
 * Fail up to batch_size claims of one worker as lost runs. If the worker is null: claims whose
 * worker is not registered any more, and claims without a worker that are over an hour old. Each
 * counts as an attempt, so a job that keeps killing its workers ends as failed. It skips claims
 * that are being settled.
 *
 * A lost run says little about its job: if nobody chose a backoff, the job runs again at once after
 * its first lost run.
 */
create or replace function pgq._fail_lost_runs(worker_id bigint, batch_size bigint, message text)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_ids bigint[];
  v_retry_in interval[];
begin
  select array_agg(held.job_id),
    array_agg(case when lost.is_first then interval '0' end)
  into v_ids, v_retry_in
  from (
    select claim.job_id
    from pgq.running as claim
    where claim.job_id = any(array(
      select seen.job_id
      from pgq.running as seen
      where seen.ctid >= '(0,0)'  -- By pages: an index would visit every dead row by itself.
        and case
          when _fail_lost_runs.worker_id is not null
          then seen.worker_id = _fail_lost_runs.worker_id
          when seen.worker_id is null
          then seen.claimed_at < v_now - interval '1 hour'
          else not exists (select from pgq.workers as worker where worker.id = seen.worker_id)
        end
    ))
    order by claim.job_id
    limit batch_size
    for update skip locked
  ) as held
  left join lateral (
    select job.backoff is null
      and not coalesce(job.errors @> '[{"type": "WorkerLost"}]', false)
      and not exists (
        select
        from pgq.queues as queue
        where queue.name = job.queue
          and queue.backoff is not null
      ) as is_first
    from pgq.jobs as job
    where job.id = held.job_id
    offset 0
  ) as lost on true;

  if v_ids is null then
    return 0;
  end if;
  perform pgq._count_outcome(v_ids, 'lost', v_now);
  perform pgq.fail_batch(
    v_ids, pgq._revoke_claims(v_ids),
    messages => array_fill(_fail_lost_runs.message, array[cardinality(v_ids)]),
    error_types => array_fill('WorkerLost'::text, array[cardinality(v_ids)]),
    retry_in => v_retry_in,
    -- One, whatever the worker's name and the reason.
    fingerprints => array_fill('WorkerLost'::text, array[cardinality(v_ids)])
  );
  return cardinality(v_ids);
end
$$;

comment on function pgq._fail_lost_runs is 'Fail claims of a worker that is gone as lost runs.';
