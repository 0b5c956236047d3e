/*
 * Do one step of maintain(); answer how much was done. Each step is bounded: by most, or because
 * the number of its rows stays small (docs/decisions/0030 lists the bounds).
 */
create or replace function pgq._do_step(step text, most bigint, may_wait boolean)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case step
    when 'rescue' then pgq._give_up_workers(most)
    when 'stray' then pgq.rescue_lost_workers(most)
    when 'timeout' then pgq._end_overdue_runs(most)
    when 'cancel' then pgq._apply_cancel_requests(most)
    when 'expire' then pgq._expire_jobs(most)
    when 'slot' then pgq._expire_slots(most) + pgq._end_pauses(most)
    when 'mark' then pgq._advance_marks()
    when 'id_mark' then pgq._advance_id_marks()
    when 'key_mark' then pgq._forget_key_marks(most)
    when 'task_mark' then pgq._forget_task_marks(most)
    when 'notify' then ceil(100 * pg_notification_queue_usage())::bigint
    when 'stamp' then pgq._restamp_restored_jobs(most)
    when 'schedule_runs' then pgq._prune_schedule_runs(null, null, most)
    when 'window' then pgq._prune_key_windows(most)
    when 'batch' then pgq._prune_batches(most)
    when 'awaited' then pgq._prune_awaited(most)
    when 'past_worker' then pgq._prune_past_workers(most)
    when 'limit' then pgq._maintain_limits(most)
    when 'clock' then pgq._repair_future_times(most)
    when 'audit' then pgq._prune_audit(most)
    when 'bulk' then coalesce(pgq._work_off_bulk(most), 0)
    when 'bulk_prune' then pgq._prune_bulk_operations(most)
    when 'depth' then pgq._sample_depths()
    when 'depth_prune' then pgq._prune_depths(most)
    when 'statistics' then pgq._fold_statistics(most)
    when 'stat_prune' then pgq._prune_statistics(most)
    when 'error_prune' then pgq._prune_errors(most)
    when 'outcome_log' then pgq._prune_outcome_log(most)
    when 'history' then pgq._walk_history(most)
    when 'partition' then pgq._make_history_partitions(7, most)
    when 'prune' then pgq._prune_history(most, may_wait)
  end;
end
$$;

comment on function pgq._do_step is 'Do one step of maintain(); answers how much was done.';
