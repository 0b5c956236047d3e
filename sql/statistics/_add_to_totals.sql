/*
 * Add what was counted to the totals of its queue and task, and to those of its queue. If it has no
 * row, it is added to that of (other).
 */
create or replace function pgq._add_to_totals(counted pgq.stat_deltas[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
begin
  perform pgq._give_places(counted);
  insert into pgq.stat_totals as known
  select coalesce(mine.queue, '(other)'), coalesce(mine.task, kind.other),
    coalesce(sum(one.jobs) filter (where one.outcome = 'succeeded'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'failed'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'cancelled'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'expired'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'retried'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'snoozed'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'released'), 0),
    coalesce(sum(one.jobs) filter (where one.outcome = 'lost'), 0),
    greatest(sum(one.wait_us), 0), greatest(sum(one.run_us), 0),
    pgq._counts_up_to_bounds(pgq._histogram(string_agg(one.waits, ''))),
    pgq._counts_up_to_bounds(pgq._histogram(string_agg(one.runs, '')))
  from unnest(counted) as one
  cross join lateral (values (one.task, '(other)'), ('', '')) as kind (task, other)
  left join pgq.stat_totals as mine on mine.queue = one.queue and mine.task = kind.task
  group by 1, 2
  on conflict on constraint stat_totals_pkey do update
  set succeeded = known.succeeded + excluded.succeeded,
      failed = known.failed + excluded.failed,
      cancelled = known.cancelled + excluded.cancelled,
      expired = known.expired + excluded.expired,
      retried = known.retried + excluded.retried,
      snoozed = known.snoozed + excluded.snoozed,
      released = known.released + excluded.released,
      lost = known.lost + excluded.lost,
      wait_us = known.wait_us + excluded.wait_us,
      run_us = known.run_us + excluded.run_us,
      waits = pgq._add_counts(known.waits, excluded.waits),
      runs = pgq._add_counts(known.runs, excluded.runs);
end
$$;

comment on function pgq._add_to_totals is
  'Add what was counted to the totals of its queue and task, and to those of its queue.';
