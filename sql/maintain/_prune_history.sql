/*
 * The part of prune() that maintain() does: whole days, days of which only a few jobs stay, and a
 * bounded number of rows of the default partition.
 */
create or replace function pgq._prune_history(batch_size bigint, may_wait boolean)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant date := (
    pgq._now() at time zone 'UTC' - pgq._longest_retention()
  )::date;
begin
  return pgq._prune_default_partition(v_before, batch_size)
    + pgq._prune_history_days(v_before, may_wait)
    + pgq._shrink_history_days(may_wait);
end
$$;

comment on function pgq._prune_history is
  'Drop the history of days that ended longer ago than anything is kept.';
