/*
 * Store which server session a worker keeps open, and on which server it is: only on that server
 * the end of the session proves something. A session that does not exist here is not stored: the
 * worker has not noticed yet that the server is another one.
 */
create or replace function pgq._note_session(
  worker_id bigint,
  session_pid bigint,
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_there constant boolean := exists (
    select from pg_stat_activity where pid = session_pid and datname = current_database()
  );
begin
  update pgq.workers
  set backend_pid = case when v_is_there then session_pid end,
      backend_timeline = case when v_is_there then pgq._wal_timeline() end,
      backend_server_started_at = case when v_is_there then pg_postmaster_start_time() end,
      backend_since = case when v_is_there then now_at end
  where id = _note_session.worker_id;
end
$$;

comment on function pgq._note_session is 'Store which server session a worker keeps open.';
