/*
 * Delete the hours of errors after sixty days, and errors that did not happen in that time: up to
 * batch_size of each. Return how many.
 */
create or replace function pgq._prune_errors(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before constant timestamptz := pgq._now() - interval '1440 hours';
  v_hours bigint;
  v_groups bigint;
begin
  delete from pgq.stat_error_hours
  where ctid = any(array(
    select ctid
    from pgq.stat_error_hours
    where hour < v_before
    order by hour
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_hours = row_count;

  delete from pgq.stat_errors
  where ctid = any(array(
    select ctid
    from pgq.stat_errors
    where last_seen < v_before
    order by last_seen
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_groups = row_count;
  return greatest(v_hours, v_groups);
end
$$;

comment on function pgq._prune_errors is
  'Delete hours of errors, and errors, that are older than sixty days.';
