/*
 * Move up to batch_size ready jobs of several queues, best first over all of them, to running;
 * return their ids.
 *
 * A claim locks each queue with limits, so it uses at most 500 of them, any 500: the server's table
 * of locks is small. If the limit of a queue allows fewer jobs than are among the best, other
 * queues get the rest. If other sessions hold some of the best jobs, the claim looks further. In
 * the end it takes any job that the queues still have, because a transaction that stays open may
 * hold very many.
 */
create or replace function pgq._claim_from_queues(
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
  v_limited text[] := array(
    select configured.name
    from pgq.queues as configured
    where configured.name = any(queues)
      and (
        num_nonnulls(configured.max_running, configured.rate_limit) > 0
        or configured.fair or configured.rate_per_key
      )
    order by random()
  );
  v_others text[] := queues;
  v_look_at bigint := batch_size;
  v_best record;
  v_step record;
  v_taken bigint[] := '{}';
begin
  if cardinality(v_limited) > 0 then
    v_others := array(select name from unnest(queues) as name where name <> all(v_limited));
    v_limited := v_limited[1:500];
  end if;

  while cardinality(v_others) + cardinality(v_limited) > 1 and v_look_at <= 16 * batch_size loop
    v_best := pgq._best_ready(v_others || v_limited, v_look_at, tasks, now_at);
    v_taken := v_taken || pgq._claim_found(
      v_best.ctids, v_limited, batch_size - cardinality(v_taken), new_claim_id, worker_id, now_at
    );
    v_step := pgq._claim_shares(
      v_limited, v_best.named, v_best.shares, batch_size - cardinality(v_taken), tasks,
      new_claim_id, worker_id, now_at
    );
    v_taken := v_taken || v_step.taken;
    if cardinality(v_taken) = batch_size then
      return v_taken;
    elsif cardinality(v_step.spent) > 0 then
      v_limited := array(select one from unnest(v_limited) as one where one <> all(v_step.spent));
      v_look_at := batch_size - cardinality(v_taken);
    elsif coalesce(cardinality(v_best.ctids), 0) < v_look_at then
      perform pgq._pass_unknown_tasks(queues, tasks);
      return v_taken;
    else
      v_look_at := 4 * v_look_at;
    end if;
  end loop;

  if cardinality(v_others) > 0 then
    v_taken := v_taken || pgq._claim_ready(
      v_others, batch_size - cardinality(v_taken), tasks, new_claim_id, worker_id, now_at
    );
  end if;
  if cardinality(v_limited) > 0 then
    v_step := pgq._claim_shares(
      v_limited, v_limited, array_fill(batch_size, array[cardinality(v_limited)]),
      batch_size - cardinality(v_taken), tasks, new_claim_id, worker_id, now_at
    );
    v_taken := v_taken || v_step.taken;
  end if;
  return v_taken;
end
$$;

comment on function pgq._claim_from_queues is
  'Move up to batch_size ready jobs of several queues, best first over all of them, to running.';
