/*
 * Where to begin in the order of due schedules: at the front, unless rows that fired pile up there
 * because some session holds an old snapshot. Then shortly before the last firing, which passed all
 * that was due but what others held; to meet that too, one call in twenty begins at the front.
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
