/*
 * The row of settings is there from the install on. So that one of a dump can be restored over it,
 * by COPY too, a new row takes its place.
 */
create or replace function pgq._replace_settings()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgq.settings;
  return new;
end
$$;

comment on function pgq._replace_settings is 'Make room for the one row of settings.';

create trigger settings_replace
  before insert on pgq.settings
  for each row
  execute function pgq._replace_settings();

comment on trigger settings_replace on pgq.settings is 'Lets a dump be restored over the row.';
