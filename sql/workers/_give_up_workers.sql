/*
 * Give up dead workers, a hundred at most, and fail up to batch_size of their runs; answer how many
 * runs.
 *
 * A worker is dead if it was silent for longer than its lease while other workers sent heartbeats.
 * Time in which all workers were silent does not count, see _note_silence(). While all are silent,
 * no worker is dead before ten leases have passed.
 *
 * A worker is dead sooner if its server session has ended and it was silent for two seconds after
 * somebody saw that. A living worker would send heartbeats at once, until it has reported another
 * session. If it has sent a heartbeat or claimed since, its old session proves nothing. If the
 * network may have cut all sessions at once, see _is_cut_off(), only the lease counts; after a
 * silence of all workers that is half of the lease, and five seconds at least. A session proves
 * nothing on another server than its own.
 *
 * It skips rows that another session is rescuing. It reads the running lane only if a worker is
 * dead, because it runs about every second.
 */
create or replace function pgq._give_up_workers(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_grace constant interval := '2 seconds';
  v_timeline constant text := pgq._wal_timeline();
  v_started_at constant timestamptz := pg_postmaster_start_time();
  v_worker record;
  v_rescued bigint := 0;
begin
  perform pgq._note_ended_sessions(v_now);
  for v_worker in
    select worker.id, worker.name, worker.heartbeat_at
    from pgq.workers as worker
    cross join lateral pgq._worker_silence(worker, v_now) as heard
    where worker.heartbeat_at < v_now - least(worker.lease, v_grace)
      and (
        heard.silence > heard.patience
        or exists (
          select from pgq.ended_sessions as ended
          where ended.worker_id = worker.id
            and ended.backend_pid = worker.backend_pid
            and ended.seen_at < v_now - v_grace
            and ended.seen_at >= greatest(
              worker.heartbeat_at,
              worker.backend_since,
              (select max(claimed_at) from pgq.running where worker_id = worker.id)
            )
        )
        and (
          not heard.is_excused
          or heard.silence > greatest(worker.lease / 2, interval '5 seconds')
        )
        and worker.backend_timeline = v_timeline
        and worker.backend_server_started_at = v_started_at
        and not pgq._is_cut_off(worker, v_now)
      )
    order by worker.id
    limit 100
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
  'Give up dead workers, and fail their runs.';
