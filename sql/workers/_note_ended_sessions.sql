/*
 * Store which sessions of workers are gone from their server, with the time when that was seen. The
 * silence of the worker counts from that time on, because before it the worker may just have been
 * between two heartbeats.
 */
create or replace function pgq._note_ended_sessions(now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read once, and not again for each worker.
  v_timeline constant text := pgq._wal_timeline();
begin
  insert into pgq.ended_sessions (worker_id, backend_pid, seen_at)
  select worker.id, worker.backend_pid, now_at
  from pgq.workers as worker
  where worker.backend_timeline = v_timeline
    and worker.backend_server_started_at = pg_postmaster_start_time()
    and not exists (select from pg_stat_activity where pid = worker.backend_pid)
    and not exists (
      select from pgq.ended_sessions as ended
      where ended.worker_id = worker.id and ended.backend_pid = worker.backend_pid
    );
end
$$;

comment on function pgq._note_ended_sessions is 'Store which sessions of workers are gone.';
