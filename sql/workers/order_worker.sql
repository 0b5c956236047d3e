/*
 * Give an order to a worker. It gets it at its next heartbeat. Claims follow the order at once.
 * Answers false if there is no such worker.
 *
 * pause: claim nothing; stop: finish the running jobs and end; resume: the former order no longer
 * holds.
 */
create or replace function pgq.order_worker(worker_id bigint, instruction text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_instructions constant text[] collate "default" := '{pause,stop,resume}';
  v_name text;
begin
  if coalesce(order_worker.instruction collate "default" <> all(c_instructions), true) then
    raise exception 'instruction is %', pgq._shorten(order_worker.instruction)
      using errcode = 'JQ002',
            hint = format('Pass one of %s.', array_to_string(c_instructions, ', '));
  end if;
  select name into v_name from pgq.workers where id = order_worker.worker_id;
  if not found then
    return false;
  end if;
  insert into pgq.worker_orders (worker_id, standing_order, ordered_at)
  values (order_worker.worker_id, order_worker.instruction, pgq._now());
  perform pgq._audit_call(
    'order_worker', order_worker.worker_id::text,
    jsonb_build_object('instruction', order_worker.instruction, 'name', v_name)
  );
  return true;
end
$$;

comment on function pgq.order_worker is 'Tell a worker to pause, resume or stop.';
