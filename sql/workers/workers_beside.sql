/*
 * The other workers whose processes a worker can see, with their pids. When a worker starts, it
 * checks whether these processes are gone, and calls report_lost_worker() for those. If no other
 * worker lives, nobody else can distinguish a dead worker from one that is cut off, and its jobs
 * would wait.
 *
 * A worker whose session is still on this server is left out: the copy of a running virtual machine
 * has the same pid_space, but not the processes that the original has started since.
 */
create or replace function pgq.workers_beside(worker_id bigint)
  returns table (id bigint, pid bigint)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select other.id, other.pid
  from pgq.workers as asking
  join pgq.workers as other on other.pid_space = asking.pid_space and other.id <> asking.id
  where asking.id = workers_beside.worker_id
    and other.pid is not null
    and not (
      other.backend_timeline = pgq._wal_timeline()
      and other.backend_server_started_at = pg_postmaster_start_time()
      and exists (select from pg_stat_activity as session where session.pid = other.backend_pid)
    )
  order by other.id
  limit 1000
$$;

comment on function pgq.workers_beside is
  'The other workers whose processes a worker can see, with their pids.';
