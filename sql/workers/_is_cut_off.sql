/*
 * Whether a silent worker whose session has ended may have been cut off together with all others.
 * It was not if another worker has a session that is older than the silent worker's last heartbeat
 * or claim. It was not if a worker that registered later has been there for a quarter of the lease.
 * A session that another worker has reported anew does not count as old: its former session was cut
 * too.
 */
create or replace function pgq._is_cut_off(worker pgq.workers, now_at timestamptz)
  returns boolean
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from pgq.workers as other
    join pg_stat_activity as session on session.pid = other.backend_pid
    where other.backend_timeline = worker.backend_timeline
      and other.backend_server_started_at = worker.backend_server_started_at
      and (
        other.backend_since < greatest(
          worker.heartbeat_at,
          (select max(claimed_at) from pgq.running where worker_id = worker.id)
        )
        or other.backend_since = other.started_at
        and other.backend_since < now_at - greatest(worker.lease / 4, interval '5 seconds')
      )
  )
$$;

comment on function pgq._is_cut_off is
  'Whether a worker whose session has ended may have been cut off together with all others.';
