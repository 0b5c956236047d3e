/*
 * Store whether a worker waits for work, if that has changed. Never waits: if a heartbeat holds the
 * row, the next claim stores it.
 */
create or replace function pgq._note_idle(worker_id bigint, is_idle boolean)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if _note_idle.worker_id is null then
    return;
  end if;
  update pgq.workers
  set idle = is_idle
  where id = (
    select id
    from pgq.workers
    where id = _note_idle.worker_id
      and idle <> is_idle
    for update skip locked
  );
end
$$;

comment on function pgq._note_idle is 'Store whether a worker waits for work.';
