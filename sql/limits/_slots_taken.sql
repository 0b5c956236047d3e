/*
 * How many slots of a semaphore are taken, by which jobs, and when the first of them are given back
 * at the latest. It starts behind the dead rows that a mark tells of.
 */
create or replace function pgq._slots_taken(
  concurrency_key text,
  out slots bigint,
  out jobs bigint,
  out holders text[],
  out next_expiry_at timestamptz
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  select coalesce(sum(weight), 0), count(*),
    array_agg(slot.job_id::text order by slot.job_id), min(expires_at)
  into slots, jobs, holders, next_expiry_at
  from pgq.slots as slot
  where slot.concurrency_key = _slots_taken.concurrency_key
    and slot.taken_xid >= pgq._first_xid('slots', _slots_taken.concurrency_key);
end
$$;

comment on function pgq._slots_taken is 'How many slots of a semaphore are taken, and by whom.';
