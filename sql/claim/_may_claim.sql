/*
 * Whether a worker may claim: false if an operator told it to pause or stop. Raises if the worker
 * is not registered, so that it registers again before it holds jobs.
 *
 * The lock keeps the worker registered until the claim commits, so that no claim is left without
 * its worker. It waits for a rescue of this worker, but not for its heartbeats.
 */
create or replace function pgq._may_claim(worker_id bigint)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ordered boolean;
begin
  if _may_claim.worker_id is null then
    return true;
  end if;
  select coalesce(
    (
      select told.standing_order <> 'resume'
      from pgq.worker_orders as told
      where told.worker_id = worker.id
      order by told.id desc
      limit 1
    ),
    false
  )
  into v_ordered
  from pgq.workers as worker
  where worker.id = _may_claim.worker_id
  for key share of worker;
  if not found then
    raise exception 'worker % is not registered', _may_claim.worker_id
      using errcode = 'JQ004',
            hint = 'It was silent for too long, or it deregistered; call register_worker() again.';
  end if;
  return not v_ordered;
end
$$;

comment on function pgq._may_claim is
  'Whether a worker may claim; raises for one that is not registered.';
