/*
 * A worker leaves; claims that it still holds are lost runs, which count as attempts. Answers how
 * many those were.
 *
 * begun_claim_ids: the claims whose jobs it has begun. Others, of a claim that it left before the
 * answer came, are handed back without counting the attempt. Null: all have begun.
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
  -- First, since it waits for a claim in progress, whose jobs are then seen below.
  delete from pgq.workers where id = deregister_worker.worker_id;
  if begun_claim_ids is not null then
    perform pgq.release_unanswered(deregister_worker.worker_id, begun_claim_ids);
  end if;
  return pgq._fail_all_runs(deregister_worker.worker_id, 'the worker left');
end
$$;

comment on function pgq.deregister_worker is
  'A worker leaves; answers how many claims it still held, which count as failed attempts.';
