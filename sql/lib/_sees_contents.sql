/*
 * Whether the caller may see what jobs carry, and what is made of it: arguments, results, errors
 * and keys. It is so for who may read failed_jobs.
 *
 * The caller is the role that the session took, else the one that logged in. In a function with the
 * owner's rights current_user is the owner, but these two stay.
 */
create or replace function pgq._sees_contents()
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return has_table_privilege(
    coalesce(nullif(current_setting('role'), 'none'), session_user),
    to_regclass('pgq.failed_jobs'), 'select'
  );
end
$$;

comment on function pgq._sees_contents is 'Whether the caller may see what jobs carry.';
