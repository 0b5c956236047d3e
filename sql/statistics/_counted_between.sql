/*
 * Return what was counted in a window, of one queue or task, or of all of them if that is null.
 *
 * It includes what is not folded yet. One snapshot sees both, so each outcome is there once.
 */
create or replace function pgq._counted_between(
  queue text,
  task text,
  since timestamptz,
  until timestamptz
)
  returns setof pgq.stat_periods
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_fold pgq.stat_folds;
begin
  select * into v_fold
  from pgq.stat_folds
  where server_started_at = pg_postmaster_start_time();
  return query
  select counted.*
  from (
    select * from pgq.stat_periods
    where unit in ('minute', 'hour', 'day')
    union all
    select 'minute', pending.minute, pending.queue, pending.task, pending.outcome,
      sum(jobs)::bigint, greatest(sum(wait_us), 0)::bigint, greatest(sum(run_us), 0)::bigint,
      pgq._histogram(string_agg(waits, '')), pgq._histogram(string_agg(runs, ''))
    from pgq.stat_deltas as pending
    where pending.ctid = any(array(
        select place from pgq._deltas_to_take(
          null, coalesce(v_fold.next_xid, '0'), coalesce(v_fold.late_xids, '{}')
        )
      ))
      and pending.error is null
    group by pending.minute, pending.queue, pending.task, pending.outcome
  ) as counted
  where counted.began_at >= since
    and counted.began_at <= until
    and (_counted_between.queue is null or counted.queue = _counted_between.queue)
    and (_counted_between.task is null or counted.task = _counted_between.task);
end
$$;

comment on function pgq._counted_between is
  'Return what was counted in a window, with what is not folded yet.';
