/*
 * Take all slots of a semaphore from the jobs that hold them; answer how many jobs that were. They
 * go on, but no longer count: for an operator who knows that they are stuck. Slots that another
 * session is giving back already are passed over.
 */
create or replace function pgq.release_semaphore(concurrency_key text)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_released bigint;
begin
  if coalesce(release_semaphore.concurrency_key, '') = '' then
    raise exception 'concurrency_key is empty'
      using errcode = 'JQ002',
            hint = 'Name one semaphore; the view semaphore_status lists them.';
  end if;
  delete from pgq.slots as slot
  where slot.job_id = any(array(
    select held.job_id
    from pgq.slots as held
    where held.concurrency_key = release_semaphore.concurrency_key collate "default"
    for update skip locked
  ));
  get diagnostics v_released = row_count;
  insert into pgq.releases (concurrency_key)
  values (release_semaphore.concurrency_key);
  return v_released;
end
$$;

comment on function pgq.release_semaphore is
  'Take all slots of a semaphore from the jobs that hold them; answers how many jobs that were.';
