/*
 * Delete what must go from the history before its day does, oldest day first; answer how many jobs
 * were read, at most most. Days that can be made anew are left to _shrink_history_days().
 */
create or replace function pgq._walk_history(most bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_left bigint := most;
  v_walk record;
begin
  delete from pgq.history_walks
  where day < (select min(before) from pgq._retention_rules() where kind <> 'results');
  for v_walk in
    select * from pgq._history_walks_due() where not can_shrink
  loop
    v_left := v_left - pgq._walk_history_day(
      v_walk.day, v_walk.rules, v_walk.last_id, v_walk.all_states, v_left
    );
    exit when v_left <= 0;
  end loop;
  return most - v_left;
end
$$;

comment on function pgq._walk_history is
  'Delete what must go from the history before its day does; answers how many jobs were read.';
