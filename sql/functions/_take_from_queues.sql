/*
 * Move up to batch_size ready jobs of several queues, best first over all of them, to running;
 * return their ids.
 *
 * First as many from each queue as are among the best of all; when other sessions were faster
 * there, then whatever the queues still have.
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
  v_share record;
  v_queue text;
  v_taken bigint[] := '{}';
begin
  if cardinality(queues) > 1 then
    for v_share in
      select * from pgq._queue_shares(queues, batch_size, tasks, now_at)
    loop
      v_taken := v_taken || pgq._take_ready(
        v_share.queue, v_share.share, tasks, new_claim_id, worker_id, now_at
      );
    end loop;
  end if;
  foreach v_queue in array queues loop
    exit when cardinality(v_taken) >= batch_size;
    v_taken := v_taken || pgq._take_ready(
      v_queue, batch_size - cardinality(v_taken), tasks, new_claim_id, worker_id, now_at
    );
  end loop;
  return v_taken;
end
$$;

comment on function pgq._take_from_queues is
  'Move up to batch_size ready jobs of several queues, best first over all of them, to running.';
