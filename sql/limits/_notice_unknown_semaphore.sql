/*
 * Warn an operator whose call names a semaphore that nobody uses: its name is misspelt, or it has
 * no job yet.
 */
create or replace function pgq._notice_unknown_semaphore(concurrency_key text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if not exists (
    select from pgq.semaphores as known where known.concurrency_key = concurrency_key
    union all
    select from pgq.slots as slot where slot.concurrency_key = concurrency_key
    union all
    select from pgq.blocked as waiter
    where waiter.concurrency_key = concurrency_key
      and not waiter.has_parents
    union all
    select from pgq.schedules as known where known.job ->> 'concurrency_key' = concurrency_key
  ) then
    raise notice 'no job holds semaphore %, waits for it, or has it in a schedule',
      pgq._shorten(concurrency_key)
      using hint = 'Check whether it is misspelt: the view semaphore_status lists those in use.';
  end if;
end
$$;

comment on function pgq._notice_unknown_semaphore is
  'Warn an operator whose call names a semaphore that nobody uses.';
