/*
 * Drop the history's partitions of days before one, oldest first; answer how many. One that a
 * reader holds is waited for 100 ms (or not at all), and stops none of the others; three such are
 * enough for one call. Where that was all, raises 55P03. Thirty are the most, since each takes two
 * dozen of the server's few locks.
 */
create or replace function pgq._prune_history_days(before date, may_wait boolean)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  v_name text;
  v_held text;
  v_tries bigint := 3;
  v_dropped bigint := 0;
begin
  if not may_wait then
    perform set_config('lock_timeout', '1ms', true);
  end if;
  for v_name in
    select partition from pgq._history_partitions() where day < before order by day limit 30
  loop
    begin
      perform pgq._drop_history_partition(v_name);
      v_dropped := v_dropped + 1;
    exception
      when lock_not_available then
        v_held := v_name;
        v_tries := v_tries - 1;
    end;
    exit when v_tries = 0;
  end loop;
  if v_dropped = 0 and v_held is not null then
    perform pgq._drop_history_partition(v_held);
    v_dropped := 1;
  end if;
  return v_dropped;
end
$$;

comment on function pgq._prune_history_days is
  'Drop the history''s partitions of days before one; answers how many.';
