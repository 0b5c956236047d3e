/*
 * How long the oldest ready job of a queue has been waiting, without pauses. It looks at each of
 * the queue's priorities. If no job waits, it is null.
 */
create or replace function pgq._lag(queue text, now_at timestamptz)
  returns interval
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select pgq._unpaused_time(_lag.queue, least(min(head.ready_at), now_at), now_at)
    from pgq._oldest_ready(_lag.queue) as head
    having count(*) > 0
  );
end
$$;

comment on function pgq._lag is
  'How long the oldest ready job of a queue has been waiting, without pauses.';
