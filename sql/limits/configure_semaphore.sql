/*
 * Set how many slots a semaphore has, instead of the limits of its jobs; null: use those again.
 * Takes effect at the next promotion. If the limit gets lower, jobs that already hold slots keep
 * them.
 */
create or replace function pgq.configure_semaphore(concurrency_key text, max_slots bigint)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if configure_semaphore.concurrency_key is null
    or length(configure_semaphore.concurrency_key) not between 1 and 512
    or not configure_semaphore.max_slots between 0 and 1000000
  then
    raise exception 'concurrency_key is empty or too long, or max_slots is out of range'
      using errcode = 'JQ002',
            hint = 'Pass a key of 1 to 512 characters, and 0 (stop) to 1000000 slots or null.';
  end if;
  if not exists (
    select from pgq.semaphores as known
    where known.concurrency_key = configure_semaphore.concurrency_key collate "default"
    union all
    select from pgq.slots as slot
    where slot.concurrency_key = configure_semaphore.concurrency_key collate "default"
    union all
    select from pgq.blocked as waiter
    where waiter.concurrency_key = configure_semaphore.concurrency_key collate "default"
      and not waiter.has_parents
    union all
    select from pgq.schedules as known
    where known.job ->> 'concurrency_key'
      = configure_semaphore.concurrency_key collate "default"
  ) then
    raise notice 'no job holds semaphore %, waits for it, or has it in a schedule',
      pgq._shorten(configure_semaphore.concurrency_key)
      using hint = 'Check whether it is misspelt: the view semaphore_status lists those in use.';
  end if;
  if configure_semaphore.max_slots is null then
    delete from pgq.semaphores as semaphore
    where semaphore.concurrency_key = configure_semaphore.concurrency_key collate "default";
  else
    insert into pgq.semaphores as semaphore (concurrency_key, max_slots)
    values (configure_semaphore.concurrency_key, configure_semaphore.max_slots)
    on conflict on constraint semaphores_pkey do update
    set max_slots = excluded.max_slots;
  end if;
  insert into pgq.releases (concurrency_key)
  values (configure_semaphore.concurrency_key);
  perform pgq._audit_call(
    'configure_semaphore', configure_semaphore.concurrency_key,
    jsonb_build_object('max_slots', coalesce(configure_semaphore.max_slots::text, 'default'))
  );
end
$$;

comment on function pgq.configure_semaphore is
  'Set how many slots a semaphore has, instead of the limits of its jobs.';
