/*
 * Delete up to batch_size marks of semaphores and of queues when vacuum has caught up with their
 * rows; answer how many.
 */
create or replace function pgq._forget_key_marks(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
as $$
declare
  v_lane text;
  v_table regclass;
  v_step bigint;
  v_done bigint := 0;
begin
  for v_lane, v_table in
    values ('slots', 'pgq.slots'::regclass), ('running', 'pgq.running')
  loop
    continue when pgq._dead_rows_pile_up(v_table);
    delete from pgq.key_marks
    where ctid = any(array(
      select mark.ctid
      from pgq.key_marks as mark
      where mark.lane = v_lane
      limit batch_size - v_done
    ));
    get diagnostics v_step = row_count;
    v_done := v_done + v_step;
  end loop;
  return v_done;
end
$$;

comment on function pgq._forget_key_marks is
  'Delete marks of semaphores and queues when vacuum has caught up with their rows.';
