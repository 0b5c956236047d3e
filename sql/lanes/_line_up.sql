/*
 * Put those of some live jobs that wait for their parents, or for a semaphore, into the blocked
 * lane; answer how many. They are in no lane. It writes one note for each semaphore that gets
 * waiters. It writes none for parents: promote_due reads every new blocked row. Runs under the
 * planner settings of _place_in_lane.
 */
create or replace function pgq._line_up(ids bigint[], now_at timestamptz)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_blocked bigint;
  v_keys text[];
begin
  with added as (
    insert into pgq.blocked (
      job_id, queue, priority, has_parents, concurrency_key, discard, is_new, waiting_xid
    )
    select id, queue, case when in_order then -2147483648 else priority end, has_parents,
      concurrency ->> 'key', coalesce((concurrency ->> 'discard')::boolean, false), has_parents,
      case when in_order then '1' else pg_current_xact_id() end
    from pgq.jobs
    cross join lateral (
      select depends_on is not null
        and (select true from pgq.dependencies where child_id = id limit 1) is not null,
        coalesce(concurrency ? 'order', false)
      offset 0
    ) as waiting (has_parents, in_order)
    where id = any(ids)
      and case when in_order
        then (select true from pgq.slots where job_id = id) is null
        else has_parents or run_at <= now_at and concurrency is not null
      end
    order by id
    returning has_parents, concurrency_key
  )
  select array_agg(distinct concurrency_key) filter (where not has_parents), count(*)
  into v_keys, v_blocked
  from added;
  insert into pgq.releases (concurrency_key)
  select unnest(v_keys);
  return v_blocked;
end
$$;

comment on function pgq._line_up is
  'Put jobs that wait for their parents, or for a semaphore, into the blocked lane.';
