/*
 * Move ready jobs of queues with limits to running, from each queue up to its share, in all up to
 * batch_size; return their ids. spent: the queues that gave less than their share.
 */
create or replace function pgq._claim_shares(
  limited text[],
  named text[],
  shares bigint[],
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  out taken bigint[],
  out spent text[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue record;
  v_step bigint[];
begin
  taken := '{}';
  spent := '{}';
  for v_queue in
    select name, least(sum(share), batch_size)::bigint as share
    from unnest(named, shares) as part (name, share)
    where name = any(limited)
    group by name
  loop
    v_queue.share := least(v_queue.share, batch_size - cardinality(taken));
    exit when v_queue.share = 0;
    v_step := pgq._claim_limited(
      v_queue.name, v_queue.share, tasks, new_claim_id, worker_id, now_at
    );
    taken := taken || v_step;
    if cardinality(v_step) < v_queue.share then
      spent := spent || v_queue.name;
    end if;
  end loop;
end
$$;

comment on function pgq._claim_shares is
  'Move ready jobs of queues with limits to running, of each up to its share.';
