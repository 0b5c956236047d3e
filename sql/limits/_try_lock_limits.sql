/*
 * Take the lock of a queue's limits until the transaction ends, if nobody else has it. In its next
 * statement, the holder sees every claim that was made under this lock before.
 */
create or replace function pgq._try_lock_limits(queue text)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return pg_try_advisory_xact_lock(
    hashtextextended(_try_lock_limits.queue, 'pgq.queues'::regclass::oid::bigint)
  );
end
$$;

comment on function pgq._try_lock_limits is
  'Take the lock of a queue''s limits, if nobody else has it.';
