/*
 * Give up workers that are dead, and fail up to batch_size of their runs; answer how many.
 *
 * Dead is who has been silent for longer than its lease while others were heard of. A silence of
 * everybody does not count, see _note_silence(); while it goes on, nobody is dead before ten
 * leases.
 *
 * Sooner dead is whose server session has ended: after two seconds of silence or a quarter of the
 * lease, whichever is less, since who lives sends heartbeats until it has told of another session.
 * What is between server and workers may have cut all sessions; so somebody else must have one that
 * was there before the dead one was last heard of or claimed, or for a quarter of the lease. After
 * a silence of everybody it is half of the lease. On another server than its own a session proves
 * nothing.
 *
 * Rows that another session is rescuing are passed over. Reads the running lane only for a worker
 * that is dead: it is done about every second.
 */
create or replace function pgq._give_up_workers(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_timeline constant text := pgq._timeline();
  v_started_at constant timestamptz := pg_postmaster_start_time();
  v_worker record;
  v_rescued bigint := 0;
begin
  for v_worker in
    select worker.id, worker.name, worker.heartbeat_at
    from pgq.workers as worker
    cross join lateral pgq._silence(worker, v_now) as heard
    where worker.heartbeat_at < v_now - least(worker.lease / 4, interval '2 seconds')
      and (
        heard.silence > heard.patience
        or (not heard.is_excused or heard.silence > worker.lease / 2)
        and worker.backend_timeline = v_timeline
        and worker.backend_server_started_at = v_started_at
        and not exists (select from pg_stat_activity where pid = worker.backend_pid)
        and exists (
          select from pgq.workers as other
          join pg_stat_activity as session on session.pid = other.backend_pid
          where other.backend_timeline = v_timeline
            and other.backend_server_started_at = v_started_at
            and other.backend_since < greatest(
              pgq._later(v_now, -worker.lease / 4),
              worker.heartbeat_at,
              (select max(claimed_at) from pgq.running where worker_id = worker.id)
            )
        )
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
