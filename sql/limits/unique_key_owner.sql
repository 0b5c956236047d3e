/*
 * The owner of a unique_key: one row, or none if the key is free. It is the job of the open window,
 * if there is one, else the live job. state is null if the job is not in the history any more.
 * until_at is null if the key has no window, so that it is taken only while its job has it.
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
  'The owner of a unique_key, and until when it is taken at least; no row if it is free.';
