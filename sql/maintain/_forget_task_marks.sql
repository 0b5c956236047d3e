/*
 * Delete the marks for lists of tasks: all while the ready lane is short, else all but the newest
 * ten thousand. Answers how many. Nobody waits for it, because only it deletes marks.
 */
create or replace function pgq._forget_task_marks(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_short constant boolean := not pgq._many_are_ready();
  v_forgotten bigint;
begin
  if pg_relation_size('pgq.task_marks'::regclass) = 0 then
    return 0;
  end if;
  delete from pgq.task_marks
  where ctid = any(array(
    select ctid
    from pgq.task_marks
    where v_short or id <= (select last_value from pgq.task_marks_id_seq) - 10000
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end
$$;

comment on function pgq._forget_task_marks is
  'Delete marks for lists of tasks that are old or not needed; answers how many.';
