/*
 * The rows that the installer made and that must exist, whatever their values are: the settings,
 * the steps of maintain(), and up to where outcomes were counted. A missing table is reported
 * elsewhere.
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
  if to_regclass('pgq.stat_folds') is not null then
    return query select 'row', 'only_row on stat_folds', '' from pgq.stat_folds;
  end if;
  if to_regclass('pgq.maintenance') is not null then
    return query
    select 'row', format('%I on maintenance', task.step), '' from pgq.maintenance as task;
  end if;
end
$$;

comment on function pgq._current_rows is
  'The rows that the installer made: settings, steps of maintain(), place of the statistics.';
