/*
 * Give up dead workers and end their runs as lost, so that the jobs run again elsewhere; answer how
 * many runs.
 *
 * _give_up_workers() says when a worker is dead. Claims without a worker are lost after an hour.
 * Claims of a worker that is not registered any more are lost at once.
 */
create or replace function pgq.rescue_lost_workers(batch_size bigint default 1000)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant bigint := coalesce(rescue_lost_workers.batch_size, 1000);
  v_rescued bigint;
begin
  if v_size not between 1 and 100000 then
    raise exception 'batch_size is %', v_size
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 100000.';
  end if;

  v_rescued := pgq._give_up_workers(v_size);

  if v_rescued < v_size then
    v_rescued := v_rescued + pgq._fail_lost_runs(
      null, v_size - v_rescued, 'the worker that claimed it is not registered any more'
    );
  end if;
  -- No lease is longer than a day.
  delete from pgq.silences
  where id = any(array(
    select id
    from pgq.silences
    where ended_at < pgq._now() - interval '48 hours'
    limit 1000
    for update skip locked
  ));
  delete from pgq.ended_sessions
  where id = any(array(
    select ended.id
    from pgq.ended_sessions as ended
    where not exists (
      select from pgq.workers as worker
      where worker.id = ended.worker_id and worker.backend_pid = ended.backend_pid
    )
    limit 1000
    for update skip locked
  ));
  delete from pgq.worker_orders
  where worker_id in (
    select told.worker_id
    from pgq.worker_orders as told
    where not exists (select from pgq.workers as worker where worker.id = told.worker_id)
    limit 1000
    for update skip locked
  );
  return v_rescued;
end
$$;

comment on function pgq.rescue_lost_workers is
  'Give up dead workers, and let their jobs run elsewhere; answers how many lost runs it ended.';
