/*
 * Bring finished jobs, but not succeeded ones, back to life under their ids, in no lane yet;
 * return those. One whose unique_key has another owner by now stays in the history.
 */
create or replace function pgq._revive(ids bigint[], run_at timestamptz)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_revived bigint[];
begin
  with past as materialized (
    select *
    from pgq.job_history
    where id = any(ids)
      and state <> 'succeeded'
    order by id
    for update
  ),
  revived as (
    insert into pgq.jobs (
      id, queue, task, priority, attempt, max_attempts, run_at, created_at, timeout, unique_key,
      args, headers, backoff, errors
    )
    select id, queue, task, priority, attempt, greatest(max_attempts, attempt + 1), _revive.run_at,
      created_at, timeout, unique_key, args, headers, backoff, errors
    from past
    order by unique_key collate "C", id
    on conflict do nothing
    returning id
  )
  select array_agg(id) into v_revived from revived;

  delete from pgq.job_history
  where id = any(v_revived);
  return coalesce(v_revived, '{}');
end
$$;

comment on function pgq._revive is
  'Bring finished jobs back to life under their ids, in no lane yet.';
