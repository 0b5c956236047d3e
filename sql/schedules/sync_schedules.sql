/*
 * Make exactly these the schedules of a source, such as a module or a file; say for each what was
 * done: added, changed, removed or unchanged. schedules: a JSON array of objects with the options
 * of schedule(). All or none.
 *
 * Workers call it when they start, any number at once: rows are locked in the order of their names,
 * and only those that change. An unchanged schedule keeps its next tick, and stays paused if it is
 * paused.
 */
create or replace function pgq.sync_schedules(source text, schedules anycompatible)
  returns table (name text, change text)
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
  select done.name, done.change
  from pgq._sync_schedules(
    sync_schedules.source collate pg_catalog."default",
    pgq._to_json(sync_schedules.schedules, 'schedules')
  ) as done;
end
$$;

comment on function pgq.sync_schedules is
  'Make exactly these the schedules of a source; says for each what was done.';
