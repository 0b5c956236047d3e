/*
 * How a worker that wants to claim stands: ordered, if an operator told it to pause or stop, so
 * that it may not claim; otherwise idle or busy, as its last claim left it. Raises if the worker is
 * not registered, so that it registers again before it holds jobs.
 *
 * The lock keeps the worker registered until the claim commits, so that no claim is left without
 * its worker. It waits for a rescue of this worker, but not for its heartbeats.
 */
create or replace function pgq._worker_standing(worker_id bigint)
  returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_idle boolean;
begin
  if _worker_standing.worker_id is null then
    return 'busy';
  end if;
  select worker.idle
  into v_is_idle
  from pgq.workers as worker
  where worker.id = _worker_standing.worker_id
  for key share;
  if v_is_idle is null then
    raise exception 'worker % is not registered', _worker_standing.worker_id
      using errcode = 'JQ004',
            hint = 'It was silent for too long, or it deregistered; call register_worker() again.';
  end if;
  -- A table without a page costs nothing.
  if pg_relation_size('pgq.worker_orders'::regclass) > 0 then
    if (
      select told.standing_order
      from pgq.worker_orders as told
      where told.worker_id = _worker_standing.worker_id
      order by told.id desc
      limit 1
    ) <> 'resume' then
      return 'ordered';
    end if;
  end if;
  return case when v_is_idle then 'idle' else 'busy' end;
end
$$;

comment on function pgq._worker_standing is
  'Whether a worker may claim, and was idle; raises for one that is not registered.';
