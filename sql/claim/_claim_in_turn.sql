/*
 * Move up to batch_size ready jobs of a queue that serves its keys in turn to running: a fair share
 * of each key, beginning after the one that was served last (without keep_turn: anywhere). If keys
 * have fewer jobs than their share, other keys get the rest in further rounds.
 *
 * Reads as many keys as there are jobs wanted. If keys give no job it reads more keys, about 10,000
 * at most; the next claim then continues after them.
 */
create or replace function pgq._claim_in_turn(
  configured pgq.queues,
  keep_turn boolean,
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  counted_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_first constant text := case
    when keep_turn
    then coalesce(
      (select last_key from pgq.turns where queue = configured.name order by id desc limit 1), ''
    )
    else left(md5(random()::text), 4)
  end;
  v_last text := v_first;
  v_keys text[];
  v_step record;
  v_taken bigint[] := '{}';
  v_more text[] := '{}';
  v_served text;
  v_looked bigint := 0;
begin
  loop
    v_keys := pgq._next_tenants(
      configured.name, v_last, v_first, greatest(batch_size - cardinality(v_taken), 16)
    );
    exit when cardinality(v_keys) = 0;
    v_step := pgq._claim_tenants(
      configured, v_keys, batch_size - cardinality(v_taken), tasks, new_claim_id, worker_id,
      now_at, counted_at
    );
    v_taken := v_taken || v_step.taken;
    v_more := v_more || v_step.more;
    v_served := coalesce(v_step.served, v_served);
    v_last := v_keys[cardinality(v_keys)];
    exit when cardinality(v_taken) >= batch_size or v_last = v_first;
    v_looked := v_looked + cardinality(v_keys);
    if v_looked >= 10000 then
      v_served := v_last;
      exit;
    end if;
  end loop;

  while cardinality(v_taken) < batch_size and cardinality(v_more) > 0 loop
    v_step := pgq._claim_tenants(
      configured, v_more, batch_size - cardinality(v_taken), tasks, new_claim_id, worker_id,
      now_at, counted_at
    );
    v_taken := v_taken || v_step.taken;
    v_more := v_step.more;
  end loop;

  if v_served is not null and keep_turn then
    delete from pgq.turns
    where ctid = (
      select ctid from pgq.turns where queue = configured.name order by id desc limit 1
    );
    insert into pgq.turns (queue, last_key)
    values (configured.name, v_served);
  end if;
  return v_taken;
end
$$;

comment on function pgq._claim_in_turn is
  'Move up to batch_size ready jobs of a queue that serves its keys in turn to running.';
