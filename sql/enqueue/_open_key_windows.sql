/*
 * Open the windows of jobs that were just stored under their unique keys; until_at null means no
 * window. Raises JQ007, which only enqueue_many catches, if the window of another job is open.
 */
create or replace function pgq._open_key_windows(
  unique_keys text[],
  ids bigint[],
  untils timestamptz[],
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  insert into pgq.key_windows as taken (unique_key, job_id, until_at)
  select unique_key, job_id, until_at
  from unnest(unique_keys, ids, untils) as kept (unique_key, job_id, until_at)
  where until_at is not null
  on conflict on constraint key_windows_pkey do update
  set job_id = excluded.job_id,
      until_at = excluded.until_at
  where taken.until_at <= now_at;

  if exists (
    select
    from unnest(unique_keys, ids) as kept (unique_key, job_id)
    cross join lateral (
      select
      from pgq.key_windows as taken
      where taken.unique_key = kept.unique_key
        and taken.job_id <> kept.job_id
        and taken.until_at > now_at
      offset 0
    ) as theirs
  ) then
    raise exception 'another session has opened a window of a unique_key'
      using errcode = 'JQ007',
            hint = 'enqueue_many() tries again.';
  end if;
end
$$;

comment on function pgq._open_key_windows is
  'Open the windows of jobs that were just stored under their unique keys.';
