/*
 * The transaction of the oldest slot of a semaphore; null: no slot is taken.
 */
create or replace function pgq._first_slot(key text)
  returns xid8
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select slot.taken_xid
    from pgq.slots as slot
    where slot.concurrency_key = _first_slot.key
      and slot.taken_xid >= pgq._first_xid('slots', _first_slot.key)
    order by slot.taken_xid
    limit 1
  );
end
$$;

comment on function pgq._first_slot is 'The transaction of the oldest slot of a semaphore.';
