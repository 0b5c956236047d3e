/*
 * Move up to batch_size of the ready jobs at these places, best first, to running; return their
 * ids. Leaves out jobs that others have locked or taken since, and the queues in the list of
 * limited ones.
 *
 * A place stays valid while the statement that calls claim_batch runs: its snapshot keeps vacuum
 * from removing rows that are deleted meanwhile.
 */
create or replace function pgq._claim_found(
  ctids tid[],
  limited text[],
  batch_size bigint,
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_taken bigint[];
begin
  with gone as (
    delete from pgq.ready
    where ctid = any(array(
      select ctid
      from pgq.ready
      where ctid = any(ctids)
        and queue <> all(_claim_found.limited)
      order by priority, ready_xid, job_id
      limit batch_size
      for update skip locked
    ))
    returning job_id, queue, task, ready_at
  ),
  claims as (
    insert into pgq.running (job_id, claim_id, worker_id, queue, task, ready_at, claimed_at)
    select job_id, new_claim_id, _claim_found.worker_id, queue, task, ready_at,
      greatest(now_at, ready_at)
    from gone
  )
  select array_agg(job_id) into v_taken from gone;
  return coalesce(v_taken, '{}');
end
$$;

comment on function pgq._claim_found is
  'Move up to batch_size of the ready jobs at these places, best first, to running.';
