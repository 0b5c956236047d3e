/*
 * The key under which ready jobs without a partition_key wait in a queue: the empty one where keys
 * are served in turn, so that they are one tenant more and found by the same index; else null.
 *
 * A call per job is too much for a bulk enqueue: callers ask first, once per statement, whether
 * there is any such queue.
 */
create or replace function pgq._tenant_key(queue text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select ''
    from pgq.queues as configured
    where configured.name = _tenant_key.queue
      and (configured.fair or configured.rate_per_key)
  );
end
$$;

comment on function pgq._tenant_key is
  'The key under which ready jobs without a partition_key wait in a queue.';
