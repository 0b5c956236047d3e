/*
 * Make partitions ahead and drop old ones; answer how many, or null when a reader of the history
 * was in the way: then it is to be tried again soon. Partitions are made a week ahead, so there is
 * time.
 */
create or replace function pgq._tend_partitions()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return pgq._make_partitions(7) + pgq.prune();
exception
  when lock_not_available or deadlock_detected then
    return null;
end
$$;

comment on function pgq._tend_partitions is 'Make partitions ahead and drop old ones.';
