/*
 * Finish a closed batch if none of its jobs lives: say how it ended, and enqueue what follows.
 *
 * Jobs are looked for under a lock of the batch that is held until the commit: one that looked
 * before has committed what it had ended, and every end is looked at after it is noted. Under a
 * second lock when none was found: then nobody is adding one either. Both are tried, never waited
 * for; so is its row, which somebody holds who takes failed jobs out of the history. done: nothing
 * is left to be looked at. moved: 1 if it finished.
 *
 * A transaction that does not see what others have committed meanwhile leaves it to others.
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

comment on function pgq._finish_batch is 'Finish a closed batch if none of its jobs lives.';
