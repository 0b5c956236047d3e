/*
 * The install makes the row of settings. A new row replaces it, so that a dump can be restored,
 * also by COPY.
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
