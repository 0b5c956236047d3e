/*
 * End a worker's registration. Claims that it still holds are lost runs, which count as attempts.
 * Answers how many there were.
 *
 * begun_claim_ids: the claims whose jobs the worker has begun. Other claims, whose answer never
 * reached the worker, are handed back and do not count as attempts. Null: all have begun.
 */
create or replace function pgq.deregister_worker(
  worker_id bigint,
  begun_claim_ids bigint[] default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgq._check_count(cardinality(deregister_worker.begun_claim_ids), 'begun_claim_ids');
  -- This comes first, because it waits for a claim in progress, whose jobs are then visible below.
  delete from pgq.workers where id = deregister_worker.worker_id;
  if begun_claim_ids is not null then
    perform pgq.release_unanswered(deregister_worker.worker_id, begun_claim_ids);
  end if;
  return pgq._fail_all_runs(deregister_worker.worker_id, 'the worker left');
end
$$;

comment on function pgq.deregister_worker is
  'End a worker''s registration; answers how many claims it held, which are then lost runs.';
