/*
 * Do what is due of the housekeeping, a bounded amount of it, and say what was done. Any number of
 * workers may call it as often as they like: a step that is not due, or that another session is
 * doing, is passed over.
 */
create or replace function pgq.maintain()
  returns table (step text, affected bigint)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
begin
  for step in
    select due.step
    from pgq.maintenance as due
    where due.due_at <= v_now
    order by due.place
    for update skip locked
  loop
    affected := case step
      when 'rescue' then pgq._give_up_workers(1000)
      when 'stray' then pgq.rescue_lost_workers(1000)
      when 'timeout' then pgq._end_overdue_runs(1000)
      when 'expire' then pgq._expire_due(5000)
      when 'cancel' then pgq._apply_cancel_requests(1000)
      when 'slot' then pgq._expire_slots(1000)
      when 'limit' then pgq._tend_limits(10000)
      when 'mark' then pgq._advance_marks()
      when 'scheduled_mark' then pgq._advance_scheduled_mark()
      when 'notify' then ceil(100 * pg_notification_queue_usage())::bigint
      when 'stamp' then pgq._stamp_restored()
      when 'schedule_runs' then pgq._prune_schedule_runs(10000)
      when 'window' then pgq._prune_windows(10000)
      when 'batch' then pgq._prune_batches(1000)
      when 'awaited' then pgq._prune_awaited(10000)
      when 'partition' then pgq._tend_partitions()
    end;
    update pgq.maintenance as done
    set due_at = v_now + case when affected is null then interval '10 seconds' else done.every end
    where done.step = maintain.step;
    affected := coalesce(affected, 0);
    return next;
  end loop;
end
$$;

comment on function pgq.maintain is
  'Do what is due of the housekeeping, a bounded amount of it, and say what was done.';
