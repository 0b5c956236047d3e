/*
 * Count for metrics() what became of ticks, an outcome for each. It is no trigger of schedule_runs:
 * that would count again what a dump of the extension restores.
 */
create or replace function pgq._count_ticks(outcomes text[])
  returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  insert into pgq.stat_ticks (outcome, ticks)
  select outcome, count(*)
  from unnest(outcomes) as outcome
  where (select statistics from pgq.settings) = 'on'
  group by outcome
$$;

comment on function pgq._count_ticks is 'Count for metrics() what became of ticks.';
