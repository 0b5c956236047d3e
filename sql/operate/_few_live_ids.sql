/*
 * The live jobs that an index finds for a search, if they are few. No other live job can fit. Null
 * means that the search must read the lanes.
 */
create or replace function pgq._few_live_ids(wanted pgq.job_filters, most bigint)
  returns bigint[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_ids bigint[];
begin
  if wanted.unique_key is not null then
    return array(select id from pgq.jobs where unique_key = wanted.unique_key);
  end if;
  if wanted.batch_id is not null then
    v_ids := array(
      select id from pgq.jobs where batch_id between wanted.batch_id and wanted.batch_id
      order by batch_id, id  -- after "=" the primary key has this order, too
      limit most + 1);
  elsif wanted.queue is not null and wanted.states <@ array['ready'] then
    v_ids := array(
      select job_id from pgq.ready where queue = wanted.queue
      order by queue, priority, ready_xid, job_id
      limit most + 1);
  end if;
  return case when cardinality(v_ids) <= most then v_ids end;
end
$$;

comment on function pgq._few_live_ids is
  'The live jobs that an index finds for a search, if they are few; else null.';
