/*
 * End those of a parent's children that are cancelled with it; of the others, put those that wait
 * for no parent any more into the lane that they call for. The caller holds their rows of blocked.
 */
create or replace function pgq._let_go(
  children bigint[],
  cancelled bigint[],
  parent_id bigint,
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_free constant bigint[] := array(
    select child
    from unnest(children) as child
    where (select true from pgq.dependencies as edge where edge.child_id = child limit 1) is null
    except
    select unnest(cancelled)
  );
begin
  delete from pgq.blocked
  where job_id = any(v_free || cancelled);
  if cardinality(v_free) > 0 then
    perform pgq._put_waiting(v_free, now_at);
  end if;
  if cardinality(cancelled) > 0 then
    perform pgq._end_jobs(
      cancelled, 'cancelled', now_at, format('job %s, a parent, did not succeed', parent_id)
    );
  end if;
end
$$;

comment on function pgq._let_go is
  'End or promote the children of a parent that wait for no other.';
