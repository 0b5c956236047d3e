/*
 * All that an idle worker asks, in one call: it says that it lives, fires due schedules, makes due
 * jobs ready, and claims. If there was nothing of all that, it does steps of the maintenance that
 * nobody else does.
 *
 * Returns one row for each claimed job, or one without a job. In each row are the worker's
 * orders (null: heartbeat was not asked for), what fire_due_schedules() and promote_due() answer,
 * which steps failed, and whether the worker must call maintain() now on another session.
 *
 * queues: null claims nothing. shares: as in claim_batch. lives, fires, maintains: what is to be
 * done besides.
 *
 * While no lane has a job, it neither promotes nor claims.
 *
 * Of many idle workers only the first three are told when the next job is due. The others come by
 * all the same, each in its own time. The locks are taken in the usual order; the maintenance
 * waits for nobody, so it may come last.
 */
create or replace function pgq.idle_turn(
  worker_id bigint,
  queues text[] default null,
  batch_size bigint default 1,
  tasks text[] default null,
  backend_pid bigint default null,
  lives boolean default true,
  fires boolean default true,
  maintains boolean default true,
  shares bigint[] default null
)
  returns table (
    orders text[], fired bigint, next_run_at timestamptz, promoted bigint, next_due_at timestamptz,
    failed_steps text[], must_maintain boolean, job_id bigint, claim_id bigint, queue text,
    task text, args jsonb, headers jsonb, attempt bigint, max_attempts bigint, timeout interval
  )
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_me constant bigint := idle_turn.worker_id;
  v_is_quiet boolean := pgq._is_quiet();
begin
  if greatest(cardinality(queues), cardinality(shares)) > 1000 or cardinality(tasks) > 10000 then
    perform pgq._check_count(cardinality(queues collate "default"), 'queues', 1000);
    perform pgq._check_count(cardinality(tasks collate "default"), 'tasks', 10000);
    perform pgq._check_count(cardinality(shares), 'shares', 1000);
  end if;
  fired := 0;
  promoted := 0;
  -- A table without a page costs nothing.
  if coalesce(idle_turn.fires, true) and pg_relation_size('pgq.schedules'::regclass) > 0 then
    select due.* into fired, next_run_at from pgq.fire_due_schedules() as due;
    v_is_quiet := v_is_quiet and fired = 0;
  end if;
  if coalesce(idle_turn.lives, true) then
    orders := array(select instruction from pgq.heartbeat(v_me, null, null, backend_pid));
  end if;
  if not v_is_quiet then
    select due.* into promoted, next_due_at from pgq.promote_due() as due;
  end if;
  -- A claim also stores that the worker is idle.
  if idle_turn.queues is not null
    and (not v_is_quiet or (select idle from pgq.workers where id = v_me) is not true)
  then
    for job_id, claim_id, queue, task, args, headers, attempt, max_attempts, timeout in
      select * from pgq.claim_batch(queues, v_me, batch_size, tasks, shares)
    loop
      return next;
    end loop;
  end if;
  if job_id is null then
    select *
    into next_due_at, failed_steps, must_maintain
    from pgq._care(
      v_me, next_due_at, coalesce(maintains, true) and fired = 0 and promoted = 0, v_is_quiet
    );
    return next;
  end if;
end
$$;

comment on function pgq.idle_turn is
  'All that an idle worker asks, in one call: it lives, fires, promotes, claims and maintains.';
