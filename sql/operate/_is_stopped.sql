/*
 * Whether a semaphore is paused.
 */
create or replace function pgq._is_stopped(concurrency_key text)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from pgq.semaphores as stopped
    where stopped.concurrency_key = _is_stopped.concurrency_key
      and stopped.paused_at is not null
  );
end
$$;

comment on function pgq._is_stopped is 'Whether a semaphore is paused.';
