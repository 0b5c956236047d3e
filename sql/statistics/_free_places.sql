/*
 * If over 150 pairs or over 150 queues have a row of their own in the totals, delete the rows of
 * those that were not counted yesterday or today; return how many. A row that nobody is told keeps
 * how often they had each outcome. If they come again, their counters begin at 0.
 */
create or replace function pgq._free_places()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_since constant date := (pgq._now() at time zone 'UTC')::date - 1;
  v_gone bigint;
begin
  with places as materialized (
    select known.queue, known.task, count(*) over (partition by known.task = '') as taken
    from pgq.stat_totals as known
    where known.queue not in ('', '(other)')
  ),
  gone as (
    delete from pgq.stat_totals as known
    using places
    where known.queue = places.queue and known.task = places.task
      and places.taken > 150
      and not exists (
        select from pgq.stat_series as series
        where series.queue = places.queue
          and places.task in (series.task, '')
          and series.last_day >= v_since
      )
    returning known.*
  ),
  kept as (
    insert into pgq.stat_totals as known (
      queue, task, succeeded, failed, cancelled, expired, retried, snoozed, released, lost
    )
    select '', case when task = '' then '' else '(other)' end, sum(succeeded), sum(failed),
      sum(cancelled), sum(expired), sum(retried), sum(snoozed), sum(released), sum(lost)
    from gone
    group by 1, 2
    on conflict on constraint stat_totals_pkey do update
    set succeeded = known.succeeded + excluded.succeeded,
        failed = known.failed + excluded.failed,
        cancelled = known.cancelled + excluded.cancelled,
        expired = known.expired + excluded.expired,
        retried = known.retried + excluded.retried,
        snoozed = known.snoozed + excluded.snoozed,
        released = known.released + excluded.released,
        lost = known.lost + excluded.lost
  )
  select count(*) into v_gone from gone;
  return v_gone;
end
$$;

comment on function pgq._free_places is
  'Delete totals of pairs and queues that were not counted yesterday or today.';
