/*
 * The job of the open window of a unique_key; null if no window is open. Runs under the planner
 * settings of its callers.
 */
create or replace function pgq._key_window_owner(unique_key text, now_at timestamptz)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select taken.job_id
    from pgq.key_windows as taken
    where taken.unique_key = _key_window_owner.unique_key
      and taken.until_at > now_at
  );
end
$$;

comment on function pgq._key_window_owner is 'The job of the open window of a unique_key.';
