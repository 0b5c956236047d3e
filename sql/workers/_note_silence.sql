/*
 * If no worker has sent a heartbeat for longer than half a lease of the worker that sends one now,
 * store that silence. Call this before that heartbeat is written.
 */
create or replace function pgq._note_silence(now_at timestamptz, lease interval)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_variable
begin
  -- Usually the first row that is read already ends the search.
  if (
    select true
    from pgq.workers
    where heartbeat_at > pgq._add_interval(now_at, -lease / 2)
    limit 1
  ) then
    return;
  end if;
  insert into pgq.silences (began_at, ended_at)
  select max(heartbeat_at), now_at
  from pgq.workers
  having max(heartbeat_at) < now_at;
end
$$;

comment on function pgq._note_silence is 'Store that no worker has sent a heartbeat until now.';
