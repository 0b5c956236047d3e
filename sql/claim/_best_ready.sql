/*
 * The places of the best batch_size ready jobs of several queues, best first, and how many of them
 * each queue has. Locks nothing: the claim takes those that are still there.
 *
 * First it reads a few jobs of each part of a queue, see _ready_parts. If all of these are among
 * the best, it reads more of that part. So it reads about as many jobs as there are parts and jobs
 * wanted.
 */
create or replace function pgq._best_ready(
  queues text[],
  batch_size bigint,
  tasks text[],
  now_at timestamptz,
  out ctids tid[],
  out named text[],
  out shares bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_first constant bigint := 2 * (1 + (batch_size - 1) / cardinality(queues));
  v_queues text[];
  v_priorities bigint[];
  v_xids xid8[];
  v_ids bigint[];
  v_belows bigint[];
  v_last_xids xid8[];
  v_places bigint[];
  v_depths bigint[];
  v_deeper bigint;
begin
  select array_agg(queue), array_agg(priority), array_agg(ready_xid), array_agg(job_id),
    array_agg(below), array_agg(last_xid), array_agg(place),
    array_agg(least(v_first, batch_size))
  into v_queues, v_priorities, v_xids, v_ids, v_belows, v_last_xids, v_places, v_depths
  from pgq._ready_parts(queues, tasks) with ordinality
    as part (queue, priority, ready_xid, job_id, below, last_xid, place);

  loop
    with best as (
      select look.place, look.depth, head.tid
      from unnest(v_places, v_depths) as look (place, depth)
      cross join lateral (
        select ready.ctid as tid, ready.priority, ready.ready_xid, ready.job_id
        from pgq.ready
        where ready.queue = v_queues[look.place]
          and (ready.priority, ready.ready_xid, ready.job_id)
            >= (v_priorities[look.place], v_xids[look.place], v_ids[look.place])
          and ready.priority < v_belows[look.place]
          and (ready.priority, ready.ready_xid)
            <= (v_belows[look.place] - 1, v_last_xids[look.place])
          and pgq._is_wanted(ready.task, tasks)
          and (ready.expires_at is null or ready.expires_at > now_at)
        order by ready.priority, ready.ready_xid, ready.job_id
        limit look.depth
      ) as head
      order by head.priority, head.ready_xid, head.job_id
      limit batch_size
    )
    select (select array_agg(tid) from best), array_agg(v_queues[place]), array_agg(place),
      array_agg(share), count(*) filter (where share = depth and share < batch_size),
      array_agg(depth)
    into ctids, named, v_places, shares, v_deeper, v_depths
    from (select place, depth, count(*) as share from best group by place, depth) as found;
    exit when v_deeper = 0;
    v_depths := array(
      select case
        when share = depth
        then least(batch_size, greatest(4 * depth, 2 * batch_size / v_deeper))
        else depth
      end
      from unnest(v_depths, shares) as part (depth, share)
    );
  end loop;
end
$$;

comment on function pgq._best_ready is
  'Where the best ready jobs of several queues are, and how many each queue has of them.';
