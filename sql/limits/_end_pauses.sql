/*
 * Delete up to batch_size pauses of each kind whose time is over, and answer how many. Claims would
 * read them each time, and a semaphore has no slots until then.
 */
create or replace function pgq._end_pauses(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_ended bigint := 0;
begin
  -- A table without a page costs nothing.
  if pg_relation_size('pgq.pauses'::regclass) > 0 then
    delete from pgq.pauses
    where ctid = any(array(
      select ctid from pgq.pauses where paused_until <= v_now limit batch_size
      for update skip locked
    ));
    get diagnostics v_ended = row_count;
  end if;
  if pg_relation_size('pgq.semaphores'::regclass) > 0 then
    v_ended := v_ended + cardinality(pgq._resume_semaphores(array(
      select concurrency_key from pgq.semaphores
      where paused_until <= v_now
      order by concurrency_key
      limit batch_size
      for update skip locked
    )));
  end if;
  return v_ended;
end
$$;

comment on function pgq._end_pauses is 'Delete pauses whose time is over.';
