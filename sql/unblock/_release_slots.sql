/*
 * Delete the slots of jobs that are neither ready nor running any more, and write notes about their
 * semaphores for promotion. Jobs in these orders keep theirs.
 */
create or replace function pgq._release_slots(ids bigint[], but_in_order text[] default '{}')
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys constant text[] := pgq._delete_slots(ids, but_in_order);
begin
  if cardinality(v_keys) > 0 then
    insert into pgq.releases (concurrency_key)
    select unnest(v_keys);
  end if;
end
$$;

comment on function pgq._release_slots is
  'Delete the slots of jobs that are neither ready nor running any more.';
