/*
 * Delete a schedule; answer false when there is none. Jobs that it has enqueued are left alone, and
 * its history stays.
 */
create or replace function pgq.unschedule(name text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_source text;
begin
  select source
  into v_source
  from pgq.schedules
  where name = unschedule.name collate "default"
  for update;
  if not found then
    return false;
  end if;
  if v_source is not null then
    perform pgq._raise_not_of_source(unschedule.name, v_source);
  end if;
  delete from pgq.schedules
  where name = unschedule.name collate "default";
  perform pgq._audit_call('unschedule', unschedule.name);
  return true;
end
$$;

comment on function pgq.unschedule is 'Delete a schedule; answers false when there is none.';
