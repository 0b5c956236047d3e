/*
 * Forget workers that left thirty days ago, and all but the last ten thousand; at most batch_size.
 * Answers how many. Ids are given out in order, so the primary key finds both.
 */
create or replace function pgq._prune_past_workers(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before constant timestamptz := pgq._now() - interval '720 hours';
  v_newest_to_forget constant bigint := (
    select id from pgq.past_workers order by id desc offset 10000 limit 1
  );
  v_deleted bigint;
begin
  delete from pgq.past_workers
  where id = any(array(
    select id
    from pgq.past_workers
    where left_at < v_before
      or id <= v_newest_to_forget
    order by id
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_past_workers is
  'Forget workers that left thirty days ago, and all but the last ten thousand.';
