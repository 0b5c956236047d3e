/*
 * Give paused semaphores the slots back that they had, and leave notes for the next promotion;
 * answer which. Rows are locked first, in the order of their keys, because somebody may configure
 * one meanwhile.
 */
create or replace function pgq._resume_semaphores(keys text[])
  returns text[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_paused constant text[] := array(
    select concurrency_key
    from pgq.semaphores
    where concurrency_key = any(keys)
      and paused_at is not null
    order by concurrency_key
    for update
  );
begin
  delete from pgq.semaphores
  where concurrency_key = any(v_paused)
    and kept_slots is null;
  update pgq.semaphores
  set max_slots = kept_slots,
      kept_slots = null,
      paused_at = null,
      paused_until = null
  where concurrency_key = any(v_paused);
  insert into pgq.releases (concurrency_key)
  select unnest(v_paused);
  return v_paused;
end
$$;

comment on function pgq._resume_semaphores is
  'Give paused semaphores the slots back that they had.';
