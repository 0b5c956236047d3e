/*
 * One step of maintain(); answers how much was done. Each is bounded.
 */
create or replace function pgq._do_step(step text, may_wait boolean)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case step
    when 'rescue' then pgq._give_up_workers(1000)
    when 'stray' then pgq.rescue_lost_workers(1000)
    when 'timeout' then pgq._end_overdue_runs(1000)
    when 'cancel' then pgq._apply_cancel_requests(1000)
    when 'expire' then pgq._expire_jobs(5000)
    when 'slot' then pgq._expire_slots(1000)
    when 'mark' then pgq._advance_marks()
    when 'scheduled_mark' then pgq._advance_scheduled_mark()
    when 'note_mark' then pgq._advance_note_mark()
    when 'notify' then ceil(100 * pg_notification_queue_usage())::bigint
    when 'stamp' then pgq._restamp_restored_jobs()
    when 'schedule_runs' then pgq.prune_schedule_history(max_runs => 10000)
    when 'window' then pgq._prune_key_windows(10000)
    when 'batch' then pgq._prune_batches(1000)
    when 'awaited' then pgq._prune_awaited(10000)
    when 'limit' then pgq._maintain_limits(10000)
    when 'clock' then pgq._repair_future_times()
    when 'partition' then pgq._make_history_partitions(7)
    when 'prune' then pgq._prune_history(10000, may_wait)
  end;
end
$$;

comment on function pgq._do_step is 'One step of maintain(); answers how much was done.';
