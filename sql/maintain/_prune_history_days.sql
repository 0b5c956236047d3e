/*
 * Drop the history's partitions of the days before a given day, oldest first; answer how many. If a
 * reader has locked a partition, it waits 100 ms (or not at all) and goes on with the next one;
 * after three such partitions it stops. If it could drop none, it raises 55P03. It drops at most
 * thirty, because each takes about 24 of the server's few locks.
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
  'Drop the history''s partitions of the days before a given day; answers how many.';
