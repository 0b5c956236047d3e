/*
 * Delete all outcomes and errors that were counted, totals too: up to 100,000 rows of each kind.
 * Return how many rows that were. Marks and depths stay. Counters of monitoring systems begin at 0
 * again.
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
  c_most constant bigint := 100000;
  v_gone bigint := 0;
  v_step bigint;
begin
  perform from pgq.stat_folds for update;
  delete from pgq.stat_deltas
  where ctid = any(array(select ctid from pgq.stat_deltas limit c_most));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_periods
  where ctid = any(array(select ctid from pgq.stat_periods limit c_most));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_error_hours
  where ctid = any(array(select ctid from pgq.stat_error_hours limit c_most));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_ticks
  where ctid = any(array(select ctid from pgq.stat_ticks limit c_most));
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  -- Totals are never less than their parts; there are at most some hundred.
  delete from pgq.stat_totals where not exists (select from pgq.stat_periods);
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  delete from pgq.stat_errors
  where ctid = any(array(select ctid from pgq.stat_errors limit c_most))
    and not exists (select from pgq.stat_error_hours);
  get diagnostics v_step = row_count;
  v_gone := v_gone + v_step;
  perform pgq._audit_call('reset_statistics', affected => v_gone);
  return v_gone;
end
$$;

comment on function pgq.reset_statistics is
  'Delete all outcomes and errors that were counted; return how many rows that were.';
