/*
 * Give up workers that are dead, and fail up to batch_size of their runs; answer how many.
 *
 * Dead is who has been silent for longer than its lease, or, while the server session that it
 * keeps open is gone, for two seconds or a quarter of its lease, whichever is less: who lives and
 * has lost that session sends heartbeats until it has told of another. Silence is counted from the
 * start of the server at the earliest, and a gone session only after a quarter of the lease: after
 * an outage every worker gets the time to come back. Rows that another session is rescuing are
 * passed over.
 *
 * Reads the running lane only for a worker that is dead: it is done about every second.
 */
create or replace function pgq._give_up_workers(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_up constant interval := clock_timestamp() - pg_postmaster_start_time();
  v_worker record;
  v_rescued bigint := 0;
begin
  for v_worker in
    select worker.id, worker.name, worker.heartbeat_at
    from pgq.workers as worker
    cross join lateral (
      select least(v_now - worker.heartbeat_at, v_up) as silence
    ) as heard
    where heard.silence > worker.lease
      or heard.silence > least(worker.lease / 4, interval '2 seconds')
        and v_up > worker.lease / 4
        and worker.backend_pid is not null
        and not exists (
          select from pg_stat_activity as session where session.pid = worker.backend_pid
        )
    order by worker.id
    for update of worker skip locked
  loop
    v_rescued := v_rescued + pgq._fail_lost_runs(
      v_worker.id, batch_size - v_rescued,
      format('worker %s (%s) was last heard of at %s',
        v_worker.id, v_worker.name, v_worker.heartbeat_at)
    );
    if not exists (select from pgq.running as claim where claim.worker_id = v_worker.id) then
      delete from pgq.workers where id = v_worker.id;
    end if;
    exit when v_rescued >= batch_size;
  end loop;
  return v_rescued;
end
$$;

comment on function pgq._give_up_workers is
  'Give up workers that are dead, and fail their runs.';
