/*
 * Note that nobody was heard of until now, where that was for longer than half a lease of who is
 * heard of now. To be called before its heartbeat is written.
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
  -- Nearly always the first row that is looked at says no.
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

comment on function pgq._note_silence is 'Note that nobody was heard of until now.';
