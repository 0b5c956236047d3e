/*
 * Return what was counted in a window, of one queue or task, or of all of them if that is null.
 *
 * It includes what is not folded yet. One snapshot sees both, so each outcome is there once. It
 * looks only at the stat_deltas that the next fold looks at: see stat_folds.
 */
create or replace function pgq._counted_between(
  queue text,
  task text,
  since timestamptz,
  until timestamptz
)
  returns setof pgq.stat_minutes
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_is_here constant boolean := (
    select server_started_at = pg_postmaster_start_time() from pgq.stat_folds
  );
begin
  return query
  with place as (
    select case when v_is_here then next_xid else '0' end as next_xid, late_xids
    from pgq.stat_folds
  ),
  pending as (
    select delta.*
    from pgq.stat_deltas as delta
    where delta.xid >= (select next_xid from place)
    union all
    select delta.*
    from pgq.stat_deltas as delta
    where delta.xid = any((select late_xids from place)::xid8[])
      and delta.xid < (select next_xid from place)
  )
  select counted.*
  from (
    select * from pgq.stat_minutes
    union all
    select * from pgq.stat_hours
    union all
    select * from pgq.stat_days
    union all
    select pending.minute, pending.queue, pending.task, pending.outcome, sum(jobs)::bigint,
      greatest(sum(wait_us), 0)::bigint, greatest(sum(run_us), 0)::bigint,
      pgq._histogram(string_agg(waits, '')), pgq._histogram(string_agg(runs, ''))
    from pending
    where pending.error is null
    group by pending.minute, pending.queue, pending.task, pending.outcome
  ) as counted
  where counted.minute >= since
    and counted.minute <= until
    and (_counted_between.queue is null or counted.queue = _counted_between.queue)
    and (_counted_between.task is null or counted.task = _counted_between.task);
end
$$;

comment on function pgq._counted_between is
  'Return what was counted in a window, with what is not folded yet.';
