/*
 * Claim up to batch_size ready jobs: by selector in the order given, then best first.
 *
 * shares: a number for each selector. Then the order is drawn anew for each claim, and a selector
 * with a share of 3 is the first one three times as often as one with 1. So none starves, and what
 * one does not fill, the others get.
 *
 * Never waits for another session. A claimed job leaves the ready lane in the caller's transaction.
 * If that transaction fails, the job is ready again. If it commits and the answer is lost with the
 * session, the job is rescued with its worker. Settle with the claim_id.
 *
 * A worker is idle only after a claim that found nothing; then ready work wakes it by a
 * notification. A worker that got some jobs, and has room for more, claims again within
 * milliseconds.
 *
 * The usual case has a short way, see _plain_queue. A guard such as the size of a table saves a
 * statement, and with it a twentieth of the whole claim.
 *
 * The claim_id is random, not from a sequence: if a server crashes before its last claims are on
 * disk, a sequence may step back and give the same claim_id twice.
 */
create or replace function pgq.claim_batch(
  queues text[],
  worker_id bigint default null,
  batch_size bigint default 1,
  tasks text[] default null,
  shares bigint[] default null
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
  v_queues text[] collate "default" := claim_batch.queues;
  v_tasks text[] collate "default" := claim_batch.tasks;
  v_size constant bigint := coalesce(claim_batch.batch_size, 1);
  v_claim_id constant bigint := 1 + floor(random() * 9007199254740990);
  v_standing text collate "default";
  v_plain text collate "default";
  v_group record;
  v_step bigint[];
  v_ids bigint[] := '{}';
begin
  -- To call the function costs more than these.
  if v_size not between 1 and 10000 or array_ndims(v_queues) is distinct from 1
    or cardinality(v_queues) <> 1 or array_position(v_queues, null) is not null
    or cardinality(v_tasks) > 10000 or shares is not null
  then
    perform pgq._check_claim_arguments(v_queues, v_tasks, v_size);
    if shares is not null then
      v_queues := pgq._drawn_order(v_queues, shares);
    end if;
  end if;
  v_standing := pgq._worker_standing(worker_id);
  if v_standing = 'ordered' then
    return;
  end if;

  v_plain := pgq._plain_queue(v_queues, v_tasks, v_size > 1, v_now);
  if v_plain <> '' then
    v_ids := case
      when v_size = 1 then pgq._claim_first(v_plain, v_tasks, v_claim_id, worker_id, v_now)
      else pgq._claim_plain(v_plain, v_size, v_tasks, v_claim_id, worker_id, v_now)
    end;
  end if;
  if v_plain is null or v_ids is null then
    v_ids := '{}';
    v_tasks := pgq._wanted_tasks(v_tasks, v_now);
    for v_group in select * from pgq._claimable_queues(v_queues, v_now) loop
      v_step := pgq._claim_from_queues(
        v_group.names, v_size - cardinality(v_ids), v_tasks, v_claim_id, worker_id, v_now
      );
      continue when cardinality(v_step) = 0;
      v_ids := v_ids || v_step;
      return query select * from pgq._claimed_jobs(v_step, v_claim_id);
      exit when cardinality(v_ids) >= v_size;
    end loop;
  elsif cardinality(v_ids) > 0 then
    return query select * from pgq._claimed_jobs(v_ids, v_claim_id);
  end if;

  if pg_relation_size('pgq.queued_keys'::regclass) > 0 then
    if (select true from pgq.queued_keys where queued_keys.job_id = any(v_ids) limit 1) then
      perform pgq._free_queued_keys(v_ids);
    end if;
  end if;
  if (v_standing = 'idle') <> (cardinality(v_ids) = 0) then
    perform pgq._note_idle(worker_id, cardinality(v_ids) = 0);
  end if;
end
$$;

comment on function pgq.claim_batch is
  'Claim up to batch_size ready jobs: by selector in the order given, then best first.';
