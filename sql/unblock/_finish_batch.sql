/*
 * Finish a closed batch if none of its jobs is live: store how it ended, and enqueue its follow-up
 * jobs.
 *
 * It searches for live jobs under a lock of the batch that it holds until the commit. So a session
 * that searched before has committed the jobs that it ended, and every end is followed by a search.
 * If it finds none, it takes a second lock, so that nobody is adding a job. It tries both locks and
 * never waits. It also never waits for the batch's row, which a session locks that takes failed
 * jobs out of the history. done: no further search is needed. moved: 1 if the batch finished.
 *
 * A transaction with one snapshot for all its statements does not do this, because it does not see
 * what others have committed since.
 */
create or replace function pgq._finish_batch(
  batch_id bigint,
  now_at timestamptz,
  out moved bigint,
  out done boolean
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_batch pgq.batches;
  v_succeeded boolean;
begin
  moved := 0;
  done := current_setting('transaction_isolation') = 'read committed'
    and pg_try_advisory_xact_lock(pgq._batch_lock_key(_finish_batch.batch_id, 'check'));
  if not done then
    return;
  end if;
  select *
  into v_batch
  from pgq.batches
  where id = _finish_batch.batch_id
    and closed_at is not null
    and finished_at is null;
  if not found or pgq._batch_has_live_jobs(v_batch.id) then
    return;
  end if;

  done := pg_try_advisory_xact_lock(pgq._batch_lock_key(v_batch.id, 'join'));
  if not done or pgq._batch_has_live_jobs(v_batch.id) then
    return;
  end if;
  select *
  into v_batch
  from pgq.batches
  where id = v_batch.id
  for update skip locked;
  done := found;
  if not done then
    return;
  end if;
  v_succeeded := v_batch.forgotten_failed + v_batch.forgotten_cancelled
    + v_batch.forgotten_expired = 0 and not exists (
    select
    from pgq.job_history as past
    where past.batch_id = v_batch.id
      and past.state in ('failed', 'cancelled', 'expired')
  );
  update pgq.batches
  -- Jobs may have ended since the caller read the clock.
  set finished_at = greatest(now_at, pgq._now()),
      succeeded = v_succeeded
  where id = v_batch.id
  returning * into v_batch;
  perform pgq._insert_jobs(pgq._batch_callbacks(v_batch), v_batch.finished_at);
  perform pgq._notify_awaiting_batch(v_batch.id);
  moved := 1;
end
$$;

comment on function pgq._finish_batch is 'Finish a closed batch if none of its jobs is live.';
