/*
 * Where to begin in the order of due schedules. Usually that is the front. If dead rows pile up
 * there because some session holds an old snapshot, it is shortly before the last firing, which
 * fired all that was due except rows that others had locked. To find those too, one call in twenty
 * begins at the front.
 */
create or replace function pgq._due_from(now_at timestamptz)
  returns timestamptz
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_stat_get_dead_tuples('pgq.schedules'::regclass) < 2000 or random() < 0.05 then
    return '-infinity';
  end if;
  return (
    select least(now_at, max(fired_at)) - interval '10 seconds'
    from pgq.schedule_runs
  );
end
$$;

comment on function pgq._due_from is 'Where to begin in the order of due schedules.';
