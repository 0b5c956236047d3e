/*
 * Delete all outcomes that were counted, totals too: up to 100,000 rows of each kind. Return how
 * many rows that were. Marks and depths stay. Counters of monitoring systems begin at 0 again.
 *
 * It waits for a fold in progress.
 */
create or replace function pgq.reset_statistics()
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_gone bigint := 0;
  v_step bigint;
begin
  perform from pgq.stat_folds for update;
  delete from pgq.stat_deltas
  where ctid = any(array(select ctid from pgq.stat_deltas limit 100000));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_minutes
  where ctid = any(array(select ctid from pgq.stat_minutes limit 100000));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_hours where ctid = any(array(select ctid from pgq.stat_hours limit 100000));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_days where ctid = any(array(select ctid from pgq.stat_days limit 100000));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  -- Totals are never less than their parts.
  delete from pgq.stat_totals
  where ctid = any(array(select ctid from pgq.stat_totals limit 100000))
    and not exists (select from pgq.stat_minutes)
    and not exists (select from pgq.stat_hours)
    and not exists (select from pgq.stat_days);
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  perform pgq._audit_call('reset_statistics', affected => v_gone);
  return v_gone;
end
$$;

comment on function pgq.reset_statistics is
  'Delete all outcomes that were counted; return how many rows that were.';
