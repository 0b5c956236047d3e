/*
 * Add what was counted to the minutes and to the totals. The caller holds the row of stat_folds,
 * so nobody else writes to them.
 *
 * If there is no room left today for a pair of queue and task, it is counted under the task
 * (other), and a queue without any pair under the queue (other). A time below 0 comes from a clock
 * that went back.
 */
create or replace function pgq._add_to_statistics(counted pgq.stat_deltas[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  c_other constant text := '(other)';
  v_today constant date := (pgq._now() at time zone 'UTC')::date;
begin
  perform pgq._note_series(counted);
  perform pgq._add_to_periods(
    array(
      select row(
          'minute', one.minute, named.queue, named.task, one.outcome, sum(one.jobs),
          greatest(sum(one.wait_us), 0), greatest(sum(one.run_us), 0),
          pgq._histogram(string_agg(one.waits, '')), pgq._histogram(string_agg(one.runs, ''))
        )::pgq.stat_periods
      from unnest(counted) as one
      left join pgq.stat_series as series
        on series.queue = one.queue and series.task = one.task and series.last_day >= v_today
      cross join lateral (
        select case
            when series.queue is not null or exists (
              select from pgq.stat_series as known
              where known.queue = one.queue and known.last_day >= v_today
            ) then one.queue
            else c_other
          end,
          coalesce(series.task, c_other)
      ) as named (queue, task)
      group by one.minute, named.queue, named.task, one.outcome
    ),
    'minute'
  );
  perform pgq._add_to_totals(counted);
end
$$;

comment on function pgq._add_to_statistics is 'Add what was counted to the minutes and the totals.';
