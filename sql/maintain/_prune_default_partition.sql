/*
 * Delete up to batch_size rows of the days before a given day from the default partition of the
 * history. Children that wait for a retry of one of them end, as when a partition is dropped.
 */
create or replace function pgq._prune_default_partition(before date, batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_deleted bigint;
  v_batches bigint[];
  v_states text[];
begin
  with gone as (
    delete from pgq.job_history_default
    where id = any(array(
      select id
      from pgq.job_history_default
      where finished_at < before::timestamp at time zone 'UTC'
      limit batch_size
      for update skip locked
    ))
    returning id, state, batch_id
  ),
  told as (
    insert into pgq.releases (parent_id, parent_succeeded)
    select id, false
    from gone
    where state <> 'succeeded'
      and (
        select true from pgq.dependencies where parent_id = gone.id and outlasts_failure
        order by child_id + 0 limit 1
      )
  )
  select count(*), array_agg(batch_id) filter (where batch_id is not null),
    array_agg(state) filter (where batch_id is not null)
  into v_deleted, v_batches, v_states
  from gone;
  perform pgq._count_forgotten(v_batches, v_states);
  return v_deleted;
end
$$;

comment on function pgq._prune_default_partition is
  'Delete rows of the days before a given day from the default partition of the history.';
