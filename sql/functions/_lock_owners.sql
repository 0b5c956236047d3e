/*
 * Lock the waiting jobs that an enqueue_many call is going to replace or bump, lane by lane in the
 * order of their ids, like _take_waiting.
 */
create or replace function pgq._lock_owners(jobs jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_keys constant text[] := array(
    select unique_key
    from pgq._job_rows(jobs)
    where unique_key is not null
      and on_conflict in ('replace', 'bump')
  );
  v_owners constant bigint[] := array(
    select owner.id from pgq.jobs as owner where owner.unique_key = any(v_keys)
  );
begin
  perform from pgq.scheduled where job_id = any(v_owners) order by job_id for update;
  perform from pgq.ready where job_id = any(v_owners) order by job_id for update;
end
$$;

comment on function pgq._lock_owners is
  'Lock the waiting jobs that an enqueue_many call is going to replace or bump.';
