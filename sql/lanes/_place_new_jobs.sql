/*
 * Store which parents new jobs have, and put the jobs into their lanes.
 */
create or replace function pgq._place_new_jobs(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  insert into pgq.dependencies (child_id, parent_id, outlasts_failure)
  select distinct id, parent_id, coalesce(on_parent_failure = 'wait', false)
  from pgq.jobs
  cross join lateral unnest(depends_on) as parent_id
  where id = any(ids);
  perform pgq._place_in_lane(ids, now_at);
end
$$;

comment on function pgq._place_new_jobs is
  'Store which parents new jobs have, and put the jobs into their lanes.';
