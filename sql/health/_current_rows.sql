/*
 * The rows that the installer made and that everything relies on, whatever is in them: the settings
 * and the steps of maintain(). A table that is gone is told of elsewhere.
 */
create or replace function pgq._current_rows()
  returns table (kind text, name text, digest text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('pgq.settings') is not null then
    return query select 'row', 'only_row on settings', '' from pgq.settings;
  end if;
  if to_regclass('pgq.maintenance') is not null then
    return query
    select 'row', format('%I on maintenance', task.step), '' from pgq.maintenance as task;
  end if;
end
$$;

comment on function pgq._current_rows is
  'The rows that the installer made: the settings and the steps of maintain().';
