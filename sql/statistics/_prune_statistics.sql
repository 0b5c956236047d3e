/*
 * Move minutes that are two days old to their hours, and hours that are 60 days old to their days;
 * delete days and marks that are 400 days old, and names of before yesterday. It moves up to most
 * rows of each kind, and returns the number of the kind that had the most. If a late settle adds to
 * an old minute, the next call moves that.
 *
 * Like a fold, it locks the row of stat_folds, so one session does it at a time, and it does
 * nothing under an old snapshot.
 */
create or replace function pgq._prune_statistics(most bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_minutes pgq.stat_periods[];
  v_hours pgq.stat_periods[];
  v_days pgq.stat_periods[];
  v_marks bigint;
  v_names bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return 0;
  end if;
  perform from pgq.stat_folds for update skip locked;
  if not found then
    return 0;
  end if;

  v_minutes := pgq._take_periods(
    'minute', date_trunc('hour', v_now - interval '48 hours', 'UTC'), most
  );
  perform pgq._add_to_periods(v_minutes, 'hour');
  v_hours := pgq._take_periods(
    'hour', date_trunc('day', v_now - interval '1440 hours', 'UTC'), most
  );
  perform pgq._add_to_periods(v_hours, 'day');
  v_days := pgq._take_periods('day', v_now - interval '9600 hours', most);

  delete from pgq.stat_marks
  where id = any(array(
    select id from pgq.stat_marks where at < v_now - interval '9600 hours' order by at limit most
  ));
  get diagnostics v_marks = row_count;
  delete from pgq.stat_series
  where ctid = any(array(
    select ctid from pgq.stat_series
    where last_day < (v_now at time zone 'UTC')::date - 1
    order by last_day limit most
  ));
  get diagnostics v_names = row_count;
  return greatest(
    cardinality(v_minutes), cardinality(v_hours), cardinality(v_days), v_marks, v_names,
    pgq._free_places()
  );
end
$$;

comment on function pgq._prune_statistics is
  'Move old minutes to their hours, and old hours to their days; forget what is older.';
