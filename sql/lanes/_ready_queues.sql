/*
 * The queues that have ready jobs, found by one index probe each, so the number of jobs does not
 * matter.
 *
 * Queues with a mark are returned without a probe. So nobody walks over the dead rows of a drained
 * queue while an old snapshot keeps them.
 */
create or replace function pgq._ready_queues()
  returns setof text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
as $$
declare
  v_marked constant text[] := array(
    select distinct queue
    from pgq.ready_marks
    where server_started_at = pg_postmaster_start_time()
    order by queue
  );
  v_after text := '';
  v_before text;
  v_next text;
begin
  foreach v_before in array v_marked loop
    loop
      v_next := (
        select queue from pgq.ready where queue > v_after and queue < v_before
        order by queue limit 1);
      exit when v_next is null;
      return next v_next;
      v_after := v_next;
    end loop;
    return next v_before;
    v_after := v_before;
  end loop;

  return query
  with recursive found as (
    (select queue from pgq.ready where queue > v_after order by queue limit 1)
    union all
    select following.queue
    from found
    cross join lateral (
      select lane.queue
      from pgq.ready as lane
      where lane.queue > found.queue
      order by lane.queue
      limit 1
    ) as following
  )
  select queue from found;
end
$$;

comment on function pgq._ready_queues is
  'The queues that have ready jobs, found by one index probe each.';
