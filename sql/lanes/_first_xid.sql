/*
 * The oldest transaction from which a slot of a semaphore, or a counted claim of a queue, may still
 * exist: see key_marks.
 */
create or replace function pgq._first_xid(lane text, key text)
  returns xid8
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select known.first_xid
      from pgq.key_marks as known
      where known.lane = _first_xid.lane
        and known.key = _first_xid.key
        and known.server_started_at = pg_postmaster_start_time()
      order by known.id desc
      limit 1
    ),
    '0'
  );
end
$$;

comment on function pgq._first_xid is
  'The oldest transaction from which a slot or a counted claim may still exist.';
