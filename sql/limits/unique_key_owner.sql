/*
 * Who owns a unique_key: one row, or none when it is free. The job is that of the window in force,
 * if there is one, else the live one. Its state is null when it is not even in the history any
 * more; until_at is null when the key is taken only as long as its job keeps it.
 */
create or replace function pgq.unique_key_owner(unique_key text)
  returns table (job_id bigint, state text, until_at timestamptz)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
begin
  return query
  select owner.job_id,
    (select job.state from pgq.all_jobs as job where job.id = owner.job_id limit 1),
    owner.until_at
  from (
    select taken.job_id, taken.until_at
    from pgq.key_windows as taken
    where taken.unique_key = unique_key_owner.unique_key collate "default"
      and taken.until_at > v_now
    union all
    select job.id, null
    from pgq.jobs as job
    where job.unique_key = unique_key_owner.unique_key collate "default"
    order by until_at nulls last
    limit 1
  ) as owner;
end
$$;

comment on function pgq.unique_key_owner is
  'Who owns a unique_key, and until when at least: one row, or none when it is free.';
