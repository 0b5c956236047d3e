/*
 * Report that a worker lives and holds these claims; return its orders, none if all is well.
 *
 * cancel: somebody asked to cancel the job. lost with a job: the claim is not valid any more, so
 * stop the job. lost without a job: the worker was given up, so register again. pause and stop,
 * without a job, are the order of an operator: see order_worker().
 */
create or replace function pgq.heartbeat(
  worker_id bigint,
  ids bigint[] default '{}',
  claim_ids bigint[] default '{}',
  backend_pid bigint default null
)
  returns table (instruction text, job_id bigint)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_is_new_session boolean;
  v_is_known boolean;
begin
  -- A heartbeat within half a lease proves that there was no silence: no need to read the others.
  perform pgq._note_silence(v_now, worker.lease)
  from pgq.workers as worker
  where worker.id = heartbeat.worker_id
    and worker.heartbeat_at <= pgq._add_interval(v_now, -worker.lease / 2);

  update pgq.workers
  set heartbeat_at = v_now
  where id = heartbeat.worker_id
  returning backend_pid is distinct from heartbeat.backend_pid
    or backend_server_started_at is distinct from pg_postmaster_start_time()
  into v_is_new_session;
  v_is_known := found;
  if v_is_new_session and heartbeat.backend_pid is not null then
    perform pgq._note_session(heartbeat.worker_id, heartbeat.backend_pid, v_now);
  end if;

  return query
  select 'lost', null::bigint
  where not v_is_known
  union all
  select newest.standing_order, null
  from (
    select told.standing_order
    from pgq.worker_orders as told
    where told.worker_id = heartbeat.worker_id
    order by told.id desc
    limit 1
  ) as newest
  where newest.standing_order <> 'resume'
  union all
  select verdict.instruction, asked.job_id
  from unnest(heartbeat.ids, heartbeat.claim_ids) as asked (job_id, claim_id)
  cross join lateral (
    select case
      when (
        select running.claim_id from pgq.running where running.job_id = asked.job_id
      ) is distinct from asked.claim_id then 'lost'
      when (
        select true
        from pgq.cancel_requests as request
        where request.job_id = asked.job_id
        limit 1
      ) then 'cancel'
    end
  ) as verdict (instruction)
  where verdict.instruction is not null;
end
$$;

comment on function pgq.heartbeat is
  'Report that a worker lives and holds these claims; returns its orders.';
