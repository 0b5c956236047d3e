/*
 * Move up to batch_size ready jobs of some partition keys to running, an equal share of each at
 * most, the best ones of each key, in the order of the keys.
 *
 * more: the keys that gave their whole share, so that they may have more jobs; served: the last of
 * these keys, or else the last key that gave any job. Runs under the planner settings of
 * claim_batch.
 */
create or replace function pgq._claim_tenants(
  configured pgq.queues,
  partition_keys text[],
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  counted_at timestamptz,
  out taken bigint[],
  out more text[],
  out served text
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_share constant bigint := ceil(batch_size::numeric / cardinality(partition_keys));
  v_by_key constant boolean := configured.rate_limit is not null
    and coalesce(configured.rate_per_key, false);
  v_counts constant boolean := configured.max_running is not null;
  v_most constant bigint[] := pgq._tenant_rooms(
    configured, partition_keys, v_share, counted_at
  );
  v_keys text[];
begin
  with gone as (
    delete from pgq.ready
    where ctid = any(array(
      select head.ctid
      from unnest(partition_keys, v_most) as tenant (key, most)
      cross join lateral (
        select waiting.ctid from pgq._ready_ranges(configured.name) as part cross join lateral (
          select lane.ctid from pgq.ready as lane
          where lane.queue = configured.name and lane.partition_key = tenant.key
            and lane.priority < part.below
            and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
            and (lane.priority, lane.ready_xid, lane.job_id)
              >= (part.priority, part.ready_xid, part.job_id)
            and pgq._is_wanted(lane.task, _claim_tenants.tasks)
            and (lane.expires_at is null or lane.expires_at > now_at)
          order by lane.priority, lane.ready_xid, lane.job_id
          limit least(v_share, tenant.most) for update skip locked
        ) as waiting
        limit least(v_share, tenant.most)
      ) as head
      limit batch_size
    ))
    returning job_id, queue, task, ready_at, partition_key
  ),
  claims as (
    insert into pgq.running (
      job_id, claim_id, worker_id, queue, task, ready_at, claimed_at, limited_xid
    )
    select job_id, new_claim_id, _claim_tenants.worker_id, queue, task, ready_at,
      greatest(now_at, ready_at), case when v_counts then pg_current_xact_id() end
    from gone
  )
  select coalesce(array_agg(job_id), '{}'), coalesce(array_agg(partition_key), '{}')
  into taken, v_keys from gone;

  select coalesce(array_agg(key order by place) filter (where jobs >= v_share), '{}'),
    (array_agg(key order by jobs >= v_share desc, place desc))[1]
  into more, served
  from (
    select key, count(*) as jobs, array_position(partition_keys, key) as place
    from unnest(v_keys) as key
    group by key
  ) as given;
  if v_by_key and cardinality(taken) > 0 then
    perform pgq._spend_tokens(configured, v_keys, counted_at);
  end if;
end
$$;

comment on function pgq._claim_tenants is
  'Move up to batch_size ready jobs of some partition keys of a queue to running.';
