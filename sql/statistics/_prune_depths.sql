/*
 * Delete samples and hours of the depths that are older than 60 days, or that a clock that was
 * ahead has left. Roll up samples that are older than 48 hours.
 *
 * It changes up to batch_size rows of each kind, and returns the number of the kind that had the
 * most.
 */
create or replace function pgq._prune_depths(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_before constant timestamptz := v_now - interval '1440 hours';
  v_after constant timestamptz := v_now + interval '1 minute';
  v_most bigint := pgq._roll_up_depths(batch_size);
  v_step bigint;
begin
  delete from pgq.stat_depths
  where (at, queue) in (
    select at, queue from pgq.stat_depths where at > v_after order by at, queue limit batch_size
  );
  get diagnostics v_step = row_count;
  v_most := greatest(v_most, v_step);

  delete from pgq.stat_depth_hours
  where (hour, queue) in (
    (select hour, queue from pgq.stat_depth_hours where hour < v_before
      order by hour, queue limit batch_size)
    union all
    (select hour, queue from pgq.stat_depth_hours where hour > v_after
      order by hour, queue limit batch_size)
  );
  get diagnostics v_step = row_count;
  v_most := greatest(v_most, v_step);

  delete from pgq.stat_samples
  where at in (
    (select at from pgq.stat_samples where at < v_before order by at limit batch_size)
    union all
    (select at from pgq.stat_samples where at > v_after order by at limit batch_size)
  );
  get diagnostics v_step = row_count;
  return greatest(v_most, v_step);
end
$$;

comment on function pgq._prune_depths is
  'Delete depths that are older than 60 days, and roll up those older than 48 hours.';
