/*
 * Drop what succeeded of days in which other jobs are kept longer, oldest first, and keep those;
 * answer how many days. It moves about 10,000 jobs of ten days at most. If a reader has locked a
 * day, it waits 100 ms (or not at all) and stops there.
 */
create or replace function pgq._shrink_history_days(may_wait boolean)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  v_walk record;
  v_moved bigint := 0;
  v_done bigint := 0;
begin
  if not may_wait then
    perform set_config('lock_timeout', '1ms', true);
  end if;
  for v_walk in
    select * from pgq._history_walks_due() where can_shrink limit 10
  loop
    begin
      v_moved := v_moved + pgq._shrink_history_day(v_walk.day, v_walk.rules);
      v_done := v_done + 1;
    exception
      when lock_not_available then
        exit;
    end;
    exit when v_moved >= 10000;
  end loop;
  return v_done;
end
$$;

comment on function pgq._shrink_history_days is
  'Drop what succeeded of days in which other jobs are kept longer; answers how many days.';
