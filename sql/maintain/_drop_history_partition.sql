/*
 * Drop a partition of the history. Children that wait for a retry of one of its jobs end, as if
 * that job had been discarded, and the batches of the jobs count them. The lock comes first, so
 * that a retry has committed or waits. A batch that was made later than the next day cannot have
 * jobs in it, even if the clock was wrong.
 *
 * The drop cascades to views of other roles: any role that may use the schema may make a view of a
 * table, even if it cannot read it, and such a view would keep the partition for ever.
 */
create or replace function pgq._drop_history_partition(partition text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_until constant timestamptz := (
    select (day + 2)::timestamp at time zone 'UTC'
    from pgq._history_partitions() as known
    where known.partition = _drop_history_partition.partition
  );
  v_batches bigint[];
  v_states text[];
  v_jobs bigint[];
begin
  execute format('lock table pgq.%I', partition);
  execute format(
    $q$
      with recursive parent as (
        (select parent_id from pgq.dependencies where outlasts_failure order by parent_id limit 1)
        union all
        select following.parent_id
        from parent
        cross join lateral (
          select edge.parent_id
          from pgq.dependencies as edge
          where edge.outlasts_failure and edge.parent_id > parent.parent_id
          order by edge.parent_id
          limit 1
        ) as following
      )
      insert into pgq.releases (parent_id, parent_succeeded)
      select parent.parent_id, false
      from parent
      cross join lateral (
        select
        from pgq.%I as past
        where past.id = parent.parent_id
          and past.state <> 'succeeded'
        offset 0
      ) as gone
    $q$,
    partition
  );
  execute format(
    $q$
      select array_agg(batch.id), array_agg(gone.state), array_agg(gone.jobs)
      from pgq.batches as batch
      cross join lateral (
        select past.state, count(*) as jobs
        from pgq.%I as past
        where past.batch_id = batch.id
        group by past.state
      ) as gone
      where batch.finished_at is null
        or (batch.created_at < $1) is not false
    $q$,
    partition
  ) into v_batches, v_states, v_jobs using v_until;
  perform pgq._count_forgotten(v_batches, v_states, v_jobs);
  execute format('drop table pgq.%I cascade', partition);
end
$$;

comment on function pgq._drop_history_partition is 'Drop a partition of the history.';
