/*
 * Whether no lane has a job, and no outcome waits to be counted. It reads only tables of up to 16
 * pages: a larger one may have many dead rows before the first living one, and counts as full.
 */
create or replace function pgq._is_quiet()
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  c_small constant bigint := 131072;
  v_ready constant bigint := pg_relation_size('pgq.ready'::regclass);
  v_running constant bigint := pg_relation_size('pgq.running'::regclass);
  v_scheduled constant bigint := pg_relation_size('pgq.scheduled'::regclass);
  v_blocked constant bigint := pg_relation_size('pgq.blocked'::regclass);
  v_releases constant bigint := pg_relation_size('pgq.releases'::regclass);
  v_deltas constant bigint := pg_relation_size('pgq.stat_deltas'::regclass);
begin
  return greatest(v_ready, v_running, v_scheduled, v_blocked, v_releases, v_deltas) <= c_small
    and (v_ready = 0 or not exists (select from pgq.ready))
    and (v_running = 0 or not exists (select from pgq.running))
    and (v_scheduled = 0 or not exists (select from pgq.scheduled))
    and (v_blocked = 0 or not exists (select from pgq.blocked))
    and (v_releases = 0 or not exists (select from pgq.releases))
    and (v_deltas = 0 or not exists (select from pgq.stat_deltas));
end
$$;

comment on function pgq._is_quiet is
  'Whether no lane has a job, and no outcome waits to be counted.';
