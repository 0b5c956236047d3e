/*
 * Return what was counted in a window, of one queue or task, or of all of them if that is null.
 *
 * It includes what is not folded yet. One snapshot sees both, so each outcome is there once.
 *
 * It has no settings, so that the planner puts it into the statement that calls it.
 */
create or replace function pgq._counted_between(
  only_queue text,
  only_task text,
  since timestamptz,
  until timestamptz
)
  returns setof pgq.stat_periods
  language sql
  stable
as $$
  select counted.*
  from (
    select * from pgq.stat_periods
    where unit in ('minute', 'hour', 'day')
    union all
    select 'minute', pending.minute, pending.queue, pending.task, pending.outcome,
      sum(jobs)::bigint, greatest(sum(wait_us), 0)::bigint, greatest(sum(run_us), 0)::bigint,
      pgq._histogram(string_agg(waits, '')), pgq._histogram(string_agg(runs, ''))
    from pgq.stat_deltas as pending
    where pending.ctid = any(array(select place from pgq._deltas_not_counted()))
      and pending.error is null
    group by pending.minute, pending.queue, pending.task, pending.outcome
  ) as counted
  where counted.began_at >= since
    and counted.began_at <= until
    and (only_queue is null or counted.queue = only_queue)
    and (only_task is null or counted.task = only_task)
$$;

comment on function pgq._counted_between is
  'Return what was counted in a window, with what is not folded yet.';
