/*
 * The key under which ready jobs without a partition_key wait in a queue. If the queue serves its
 * keys in turn it is the empty text: these jobs are one more tenant, and the same index finds them.
 * If not, it is null.
 *
 * A bulk enqueue must not call this for each job: callers first check, once per statement, whether
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
