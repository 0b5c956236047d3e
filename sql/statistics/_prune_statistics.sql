/*
 * Move minutes that are two days old to their hours, and hours that are 60 days old to their days;
 * delete days and marks that are 400 days old. It moves up to most rows of each kind, and returns
 * the number of the kind that had the most. If a late settle adds to an old minute, the next call
 * moves that.
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
  v_minutes pgq.stat_minutes[];
  v_hours pgq.stat_hours[];
  v_days bigint;
  v_marks bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return 0;
  end if;
  perform from pgq.stat_folds for update skip locked;
  if not found then
    return 0;
  end if;

  with gone as (
    delete from pgq.stat_minutes
    where ctid = any(array(
      select ctid from pgq.stat_minutes
      where minute < date_trunc('hour', v_now - interval '48 hours', 'UTC')
      order by minute limit most
    ))
    returning *
  )
  select array_agg(gone::pgq.stat_minutes) into v_minutes from gone;
  perform pgq._add_hours(v_minutes);

  with gone as (
    delete from pgq.stat_hours
    where ctid = any(array(
      select ctid from pgq.stat_hours
      where hour < date_trunc('day', v_now - interval '1440 hours', 'UTC')
      order by hour limit most
    ))
    returning *
  )
  select array_agg(gone::pgq.stat_hours) into v_hours from gone;
  perform pgq._add_days(v_hours);

  delete from pgq.stat_days
  where ctid = any(array(
    select ctid from pgq.stat_days where day < v_now - interval '9600 hours' order by day limit most
  ));
  get diagnostics v_days = row_count;
  delete from pgq.stat_marks
  where id = any(array(
    select id from pgq.stat_marks where at < v_now - interval '9600 hours' order by at limit most
  ));
  get diagnostics v_marks = row_count;
  return greatest(
    coalesce(cardinality(v_minutes), 0), coalesce(cardinality(v_hours), 0), v_days, v_marks
  );
end
$$;

comment on function pgq._prune_statistics is
  'Move old minutes to their hours, and old hours to their days; forget old days and marks.';
