/*
 * Give up workers that are dead, and run their jobs elsewhere; answer how many jobs that were.
 *
 * Dead is who has been silent for longer than its lease, or, while the server session that it
 * keeps open is gone, for two seconds or a quarter of its lease, whichever is less: who lives and
 * has lost that session sends heartbeats until it has told of another. Silence is counted from the
 * start of the server at the earliest, and a gone session only after a quarter of the lease: after
 * an outage every worker gets the time to come back. Claims without a worker count as lost after an
 * hour. Rows that another session is rescuing are passed over.
 */
create or replace function pgq.rescue_lost_workers(batch_size bigint default 1000)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant bigint := coalesce(rescue_lost_workers.batch_size, 1000);
  v_now constant timestamptz := pgq._now();
  v_up constant interval := clock_timestamp() - pg_postmaster_start_time();
  v_worker record;
  v_step bigint;
  v_rescued bigint := 0;
begin
  if v_size not between 1 and 100000 then
    raise exception 'batch_size is %', v_size
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 100000.';
  end if;

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
    v_step := pgq._fail_lost_runs(
      v_worker.id, v_size - v_rescued,
      format('worker %s (%s) was last heard of at %s',
        v_worker.id, v_worker.name, v_worker.heartbeat_at)
    );
    v_rescued := v_rescued + v_step;
    if not exists (select from pgq.running as claim where claim.worker_id = v_worker.id) then
      delete from pgq.workers where id = v_worker.id;
    end if;
    exit when v_rescued >= v_size;
  end loop;

  if v_rescued < v_size then
    v_rescued := v_rescued + pgq._fail_lost_runs(
      null, v_size - v_rescued, 'claimed by nobody that is still registered'
    );
  end if;
  delete from pgq.worker_orders
  where worker_id in (
    select told.worker_id
    from pgq.worker_orders as told
    where not exists (select from pgq.workers as worker where worker.id = told.worker_id)
    for update skip locked
  );
  return v_rescued;
end
$$;

comment on function pgq.rescue_lost_workers is
  'Give up workers that are dead, and run their jobs elsewhere; answers how many jobs that were.';
