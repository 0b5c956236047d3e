/*
 * Delete jobs of one day from the history, with all that follows from it; answer which. It passes
 * over jobs, and jobs of batches, that another session holds. Locks the history, then batches.
 */
create or replace function pgq._forget_finished_jobs(day date, ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_from constant timestamptz := day::timestamp at time zone 'UTC';
  v_to constant timestamptz := (day + 1)::timestamp at time zone 'UTC';
  v_mine bigint[];
  v_batches bigint[];
  v_states text[];
begin
  select array_agg(mine.id), array_agg(distinct mine.batch_id)
      filter (where mine.batch_id is not null)
  into v_mine, v_batches
  from (
    select past.id, past.batch_id
    from pgq.job_history as past
    where past.finished_at >= v_from and past.finished_at < v_to
      and past.id = any(_forget_finished_jobs.ids)
    order by past.id
    for update skip locked
  ) as mine;
  if v_batches is not null then
    v_batches := array(
      select unnest(v_batches) except select batch.id from pgq.batches as batch
      where batch.id = any(v_batches)
    ) || array(
      select batch.id from pgq.batches as batch
      where batch.id = any(v_batches) order by batch.id for update skip locked
    );
  end if;
  with gone as (
    delete from pgq.job_history as past
    where past.finished_at >= v_from and past.finished_at < v_to
      and past.id = any(v_mine)
      and (past.batch_id is null or past.batch_id = any(v_batches))
    returning past.id, past.state, past.batch_id
  ),
  told as (
    insert into pgq.releases (parent_id, parent_succeeded)
    select gone.id, false
    from gone
    where gone.state <> 'succeeded'
      and (
        select true from pgq.dependencies
        where parent_id = gone.id and outlasts_failure
        order by child_id + 0 limit 1
      )
  )
  select array_agg(id), array_agg(batch_id) filter (where batch_id is not null),
    array_agg(state) filter (where batch_id is not null)
  into v_mine, v_batches, v_states
  from gone;
  perform pgq._count_forgotten(v_batches, v_states);
  return coalesce(v_mine, '{}');
end
$$;

comment on function pgq._forget_finished_jobs is
  'Delete jobs of one day from the history, with all that follows from it; answers which.';
