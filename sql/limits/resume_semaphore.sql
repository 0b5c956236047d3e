/*
 * Let waiters of a paused semaphore have its slots again, from the next promotion on. Answers
 * whether it was paused.
 */
create or replace function pgq.resume_semaphore(concurrency_key text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_key constant text collate "default" := resume_semaphore.concurrency_key;
begin
  if pgq._resume_semaphores(array[v_key]) <> '{}' then
    perform pgq._audit_call('resume_semaphore', v_key);
    return true;
  end if;
  perform pgq._notice_unknown_semaphore(v_key);
  return false;
end
$$;

comment on function pgq.resume_semaphore is
  'Let waiters of a paused semaphore have its slots again; answers whether it was paused.';
