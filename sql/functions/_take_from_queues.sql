/*
 * Move up to batch_size ready jobs of several queues, best first over all of them, to running;
 * return their ids.
 *
 * First as many from each queue as are among the best of all. A queue whose limit gives less than
 * that leaves the rest to the best of the other queues. When other sessions were faster somewhere,
 * then whatever the queues still have.
 */
create or replace function pgq._take_from_queues(
  queues text[],
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_open text[] := queues;
  v_share record;
  v_queue text;
  v_limited constant text[] := array(
    select configured.name
    from pgq.queues as configured
    where configured.name = any(queues)
      and (
        num_nonnulls(configured.max_running, configured.rate_limit) > 0
        or configured.fair
        or configured.rate_per_key
      )
  );
  v_spent text[];
  v_size bigint;
  v_step bigint[];
  v_taken bigint[] := '{}';
begin
  while cardinality(v_open) > 1 and cardinality(v_taken) < batch_size loop
    v_spent := '{}';
    for v_share in
      select * from pgq._queue_shares(v_open, batch_size - cardinality(v_taken), tasks, now_at)
    loop
      v_step := case
        when v_share.queue = any(v_limited) then pgq._take_limited(
          v_share.queue, v_share.share, tasks, new_claim_id, worker_id, now_at)
        else pgq._take_ready(
          v_share.queue, v_share.share, tasks, new_claim_id, worker_id, now_at)
      end;
      v_taken := v_taken || v_step;
      if cardinality(v_step) < v_share.share and v_share.queue = any(v_limited) then
        v_spent := v_spent || v_share.queue;
      end if;
    end loop;
    exit when cardinality(v_spent) = 0;
    v_open := array(select queue from unnest(v_open) as queue where queue <> all(v_spent));
  end loop;
  foreach v_queue in array v_open loop
    exit when cardinality(v_taken) >= batch_size;
    v_size := batch_size - cardinality(v_taken);
    v_taken := v_taken || case
      when v_queue = any(v_limited) then pgq._take_limited(
        v_queue, v_size, tasks, new_claim_id, worker_id, now_at)
      else pgq._take_ready(v_queue, v_size, tasks, new_claim_id, worker_id, now_at)
    end;
  end loop;
  return v_taken;
end
$$;

comment on function pgq._take_from_queues is
  'Move up to batch_size ready jobs of several queues, best first over all of them, to running.';
