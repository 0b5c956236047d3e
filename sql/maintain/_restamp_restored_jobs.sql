/*
 * Repair the order of jobs that a dump brought from a server with higher transaction ids: jobs that
 * are ready or wait for a semaphore, up to batch_size at a time; answer how many. Otherwise every
 * new job would go before them. Rows that this server wrote have ids below the end of the snapshot,
 * or are of this transaction.
 *
 * Jobs that are repaired together are then in the order of their ids. So another job may be the
 * first waiter of a semaphore, and may fit: promotion must read it again.
 */
create or replace function pgq._restamp_restored_jobs(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_stamped bigint;
  v_waiting bigint;
begin
  update pgq.ready
  set ready_xid = pg_current_xact_id()
  where ctid = any(array(
    select ctid
    from pgq.ready
    where ready_xid >= pg_snapshot_xmax(pg_current_snapshot())
      and ready_xid <> pg_current_xact_id()
    order by ready_xid, job_id
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_stamped = row_count;

  with stamped as (
    update pgq.blocked
    set waiting_xid = pg_current_xact_id()
    where ctid = any(array(
      select ctid
      from pgq.blocked
      where waiting_xid >= pg_snapshot_xmax(pg_current_snapshot())
        and waiting_xid <> pg_current_xact_id()
      order by waiting_xid, job_id
      limit batch_size - v_stamped
      for update skip locked
    ))
    returning concurrency_key, has_parents
  ),
  noted as (
    insert into pgq.releases (concurrency_key)
    select distinct concurrency_key
    from stamped
    where concurrency_key is not null and not has_parents
  )
  select count(*) into v_waiting from stamped;
  return v_stamped + v_waiting;
end
$$;

comment on function pgq._restamp_restored_jobs is
  'Repair the order of jobs that a dump brought from another server.';
