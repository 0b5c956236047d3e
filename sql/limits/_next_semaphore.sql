/*
 * The first key of a semaphore after one and before another; a null means that there is no other.
 * Each search is there twice, because an index scan must know where it ends.
 */
create or replace function pgq._next_semaphore(after_key text, before_key text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select min(found.key)
    from (
      (
        select concurrency_key as key from pgq.semaphores
        where concurrency_key > after_key and (before_key is null or concurrency_key < before_key)
        order by concurrency_key limit 1
      )
      union all
      (
        select concurrency_key from pgq.slots
        where concurrency_key > after_key and concurrency_key < before_key
        order by concurrency_key, taken_xid limit 1
      )
      union all
      (
        select concurrency_key from pgq.slots
        where concurrency_key > after_key and before_key is null
        order by concurrency_key, taken_xid limit 1
      )
      union all
      (
        select concurrency_key from pgq.blocked
        where concurrency_key > after_key and concurrency_key < before_key and not has_parents
        order by concurrency_key, priority, waiting_xid, job_id limit 1
      )
      union all
      (
        select concurrency_key from pgq.blocked
        where concurrency_key > after_key and before_key is null and not has_parents
        order by concurrency_key, priority, waiting_xid, job_id limit 1
      )
    ) as found
  );
end
$$;

comment on function pgq._next_semaphore is
  'The first key of a semaphore after one and before another.';
