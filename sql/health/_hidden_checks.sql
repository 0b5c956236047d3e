/*
 * The checks whose words the caller of health() may not see, because they repeat errors or name
 * keys that are made of arguments: all of these for one who may not read failed_jobs.
 *
 * The caller is the role that the session took, else the one that logged in. In a function with the
 * owner's rights current_user is the owner, but these two stay.
 */
create or replace function pgq._hidden_checks()
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_caller constant text := coalesce(nullif(current_setting('role'), 'none'), session_user);
begin
  return case
    when has_table_privilege(v_caller, to_regclass('pgq.failed_jobs'), 'select') then '{}'::text[]
    else '{semaphores,broken_schedules,maintenance,bulk_operations,invariants,locks}'
  end;
end
$$;

comment on function pgq._hidden_checks is
  'The checks whose words the caller of health() may not see.';
