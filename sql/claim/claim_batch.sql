/*
 * Claim up to batch_size ready jobs: by selector in the order given, then best first.
 *
 * Never waits for another session. A claimed job leaves the ready lane in the caller's transaction.
 * If that transaction fails, the job is ready again. If it commits and the answer is lost with the
 * session, the job is rescued with its worker. Settle with the claim_id.
 *
 * A worker is idle only after a claim that found nothing; then ready work wakes it by a
 * notification. A worker that got some jobs, and has room for more, claims again within
 * milliseconds.
 *
 * The claim_id is random, not from a sequence: if a server crashes before its last claims are on
 * disk, a sequence may step back and give the same claim_id twice.
 */
create or replace function pgq.claim_batch(
  queues text[],
  worker_id bigint default null,
  batch_size bigint default 1,
  tasks text[] default null
)
  returns table (
    job_id bigint,
    claim_id bigint,
    queue text,
    task text,
    args jsonb,
    headers jsonb,
    attempt bigint,
    max_attempts bigint,
    timeout interval
  )
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
  v_size constant bigint := coalesce(claim_batch.batch_size, 1);
  v_claim_id constant bigint := 1 + floor(random() * 9007199254740990);
  v_group record;
  v_step bigint[];
  v_ids bigint[] := '{}';
begin
  perform pgq._check_claim_arguments(
    claim_batch.queues collate "default", claim_batch.tasks collate "default", v_size
  );
  if not pgq._may_claim(claim_batch.worker_id) then
    return;
  end if;

  for v_group in
    select * from pgq._claimable_queues(claim_batch.queues collate "default", v_now)
  loop
    v_step := pgq._claim_from_queues(
      v_group.names, v_size - cardinality(v_ids), claim_batch.tasks collate "default", v_claim_id,
      claim_batch.worker_id, v_now
    );
    continue when cardinality(v_step) = 0;
    v_ids := v_ids || v_step;
    return query
    select id, v_claim_id, job.queue, job.task, job.args, job.headers, job.attempt + 1::bigint,
      job.max_attempts::bigint, job.timeout
    from pgq.jobs as job
    where id = any(v_step)
    order by job.priority, job.id;
    exit when cardinality(v_ids) >= v_size;
  end loop;

  if (select true from pgq.queued_keys where queued_keys.job_id = any(v_ids) limit 1) then
    perform pgq._free_queued_keys(v_ids);
  end if;
  perform pgq._note_idle(claim_batch.worker_id, cardinality(v_ids) = 0);
end
$$;

comment on function pgq.claim_batch is
  'Claim up to batch_size ready jobs: by selector in the order given, then best first.';
