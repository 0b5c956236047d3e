/*
 * What prune_schedule_history() does, and maintain() for all schedules. older_than: null is what
 * configure_retention() says, or else the setting keep_history_for.
 */
create or replace function pgq._prune_schedule_runs(
  schedule_name text,
  older_than interval,
  batch_size bigint
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before constant timestamptz := pgq._add_interval(
    pgq._now(), -coalesce(
      older_than,
      (select schedule_history from pgq.retention_settings where queue is null and task is null)
    )
  );
  v_deleted bigint;
begin
  delete from pgq.schedule_runs
  where ctid = any(array(
    select run.ctid
    from pgq.schedule_runs as run
    where run.fired_at < v_before
      and (schedule_name is null or run.schedule = schedule_name)
    order by run.fired_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_schedule_runs is
  'Delete what became of ticks longer ago, of one schedule or of all; answers how many.';
