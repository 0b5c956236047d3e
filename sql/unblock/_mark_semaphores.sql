/*
 * Store for some semaphores where their slots and their waiters begin, while deleted rows pile up
 * because some session holds an old snapshot: see key_marks. moved: jobs that have just got slots.
 *
 * The caller asks for it by chance, and keys are chosen at random, so that about one in sixteen
 * jobs makes a mark: nobody can count deleted rows. A priority gets a place when one of its jobs
 * has moved, at most a hundred priorities do; the others are read from their start.
 *
 * The oldest transaction in progress is read before the rows: no mark may reach its id.
 */
create or replace function pgq._mark_semaphores(keys text[], moved bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_settled constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  v_keys constant text[] := array(
    select key from unnest(keys) as key
    where random() * cardinality(keys) < greatest(1, cardinality(moved) / 16.0)
  );
begin
  if cardinality(v_keys) = 0 or not pgq._dead_rows_pile_up('pgq.slots'::regclass) then
    return;
  end if;
  insert into pgq.key_marks (lane, key, first_xid, priorities, waiting_xids, job_ids, belows)
  select 'slots', asked, least(v_settled, pgq._first_slot(asked)),
    place.priorities, place.waiting_xids, place.job_ids, place.belows
  from unnest(v_keys) as asked
  cross join lateral pgq._waiting_places(
    asked, v_settled, array(select distinct priority from pgq.ready where job_id = any(moved))
  ) as place;
end
$$;

comment on function pgq._mark_semaphores is
  'Store for some semaphores where their slots and their waiters begin.';
