/*
 * Semaphores in use or configured, in the order of their keys: that one, or those whose key comes
 * after after_key. Each key is found by a search in an index, and waiters are counted up to 1,000,
 * so a page costs the same however many keys there are. semaphore_status shows all.
 */
create or replace function pgq.list_semaphores(
  of_key text default null,
  after_key text default null,
  page_size bigint default 50
)
  returns table (
    concurrency_key text, max_slots bigint, used_slots bigint, holders bigint, waiters bigint,
    configured boolean, next_expiry_at timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_size constant bigint := coalesce(page_size, 50);
  v_marked constant boolean := pg_relation_size('pgq.key_marks'::regclass) > 0;
begin
  if v_size not between 1 and 1000 then
    raise exception 'page_size is %', v_size
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000 semaphores a page.';
  end if;
  return query
  select found.key, coalesce(known.max_slots, (job.concurrency ->> 'limit')::bigint), taken.slots,
    taken.jobs, waiting.jobs, known.max_slots is not null, taken.next_expiry_at
  from unnest(case
    when of_key is null
    then pgq._next_semaphores(after_key collate "default", v_size)
    else array[of_key collate "default"]
  end) with ordinality as found (key, place)
  left join lateral (
    select other.max_slots::bigint
    from pgq.semaphores as other
    where other.concurrency_key = found.key
    limit 1
  ) as known on true
  cross join pgq._slots_taken(found.key) as taken
  cross join lateral (
    select count(*) as jobs, (array_agg(counted.job_id))[1] as best
    from (
      select first.job_id
      from pgq._waiting_parts(found.key, v_marked) as part
      cross join lateral (
        select lane.job_id, lane.priority, lane.waiting_xid
        from pgq.blocked as lane
        where lane.concurrency_key = found.key and not lane.has_parents
          and (lane.priority, lane.waiting_xid, lane.job_id)
            >= (part.priority, part.waiting_xid, part.job_id)
          and lane.priority < part.below
        order by lane.priority, lane.waiting_xid, lane.job_id
        limit 1000
      ) as first
      order by first.priority, first.waiting_xid, first.job_id
      limit 1000
    ) as counted
  ) as waiting
  left join lateral (
    select live.concurrency
    from pgq.jobs as live
    where live.id = coalesce(waiting.best, taken.holders[1]::bigint)
    limit 1
  ) as job on true
  where known.max_slots is not null or taken.jobs + waiting.jobs > 0
  order by found.place;
end
$$;

comment on function pgq.list_semaphores is
  'Semaphores in use or configured, in the order of their keys: what is taken and who waits.';
