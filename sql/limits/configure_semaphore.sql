/*
 * Set how many slots a semaphore has, instead of the limits of its jobs; null: use those again.
 * Takes effect at the next promotion, and for a paused semaphore when its pause ends. If the limit
 * gets lower, jobs that already hold slots keep them.
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
  perform pgq._notice_unknown_semaphore(configure_semaphore.concurrency_key collate "default");
  if configure_semaphore.max_slots is null then
    delete from pgq.semaphores as semaphore
    where semaphore.concurrency_key = configure_semaphore.concurrency_key collate "default"
      and semaphore.paused_at is null;
    update pgq.semaphores as semaphore
    set kept_slots = null
    where semaphore.concurrency_key = configure_semaphore.concurrency_key collate "default";
  else
    insert into pgq.semaphores as semaphore (concurrency_key, max_slots)
    values (configure_semaphore.concurrency_key, configure_semaphore.max_slots)
    on conflict on constraint semaphores_pkey do update
    set max_slots = case when semaphore.paused_at is null then excluded.max_slots else 0 end,
        kept_slots = case when semaphore.paused_at is not null then excluded.max_slots end;
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
