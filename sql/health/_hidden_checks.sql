/*
 * The checks whose words the caller of health() may not see, because they repeat errors or name
 * keys that are made of arguments.
 */
create or replace function pgq._hidden_checks()
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when pgq._sees_contents() then '{}'::text[]
    else '{semaphores,broken_schedules,maintenance,bulk_operations,invariants,locks}'
  end;
end
$$;

comment on function pgq._hidden_checks is
  'The checks whose words the caller of health() may not see.';
