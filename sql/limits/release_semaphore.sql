/*
 * Take all slots of a semaphore from the jobs that hold them; answer how many jobs that were. These
 * jobs go on, but no longer count. Use it if you know that they are stuck. It skips slots that
 * another session is just giving back.
 *
 * A live job in strict order keeps its slot: cancel the job instead. One that failed and blocks the
 * key gives it back.
 */
create or replace function pgq.release_semaphore(concurrency_key text)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_held bigint[];
  v_released bigint[];
begin
  if coalesce(release_semaphore.concurrency_key, '') = '' then
    raise exception 'concurrency_key is empty'
      using errcode = 'JQ002',
            hint = 'Name one semaphore; the view semaphore_status lists them.';
  end if;
  v_held := array(
    select held.job_id
    from pgq.slots as held
    where held.concurrency_key = release_semaphore.concurrency_key collate "default"
      and (held.in_order is null
        or not exists (select from pgq.jobs as job where job.id = held.job_id))
    for update skip locked
  );
  with released as (
    delete from pgq.slots as slot
    where slot.job_id = any(v_held)
      and (slot.in_order is null
        or not exists (select from pgq.jobs as job where job.id = slot.job_id))
    returning slot.job_id
  )
  select coalesce(array_agg(job_id order by job_id), '{}') into v_released from released;
  insert into pgq.releases (concurrency_key)
  values (release_semaphore.concurrency_key);
  perform pgq._audit_call(
    'release_semaphore', release_semaphore.concurrency_key, ids => v_released,
    affected => cardinality(v_released)
  );
  return cardinality(v_released);
end
$$;

comment on function pgq.release_semaphore is
  'Take all slots of a semaphore from the jobs that hold them; answers how many jobs that were.';
