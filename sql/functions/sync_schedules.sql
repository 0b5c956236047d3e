/*
 * Make these the schedules of a source, such as a module or a file, and no others; say of each what
 * was done: added, changed, removed or unchanged. schedules: a JSON array of objects with the
 * options of schedule(). All or none.
 *
 * Workers call it when they start, any number at once: rows are locked in the order of their names,
 * and only those that change. What is unchanged keeps its next tick, and stays paused if it is.
 */
create or replace function pgq.sync_schedules(source text, schedules anycompatible)
  returns table (name text, change text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_schedules constant jsonb := pgq._to_json(sync_schedules.schedules, 'schedules');
  v_item record;
begin
  perform pgq._check_schedule_list(sync_schedules.source, v_schedules);

  for v_item in
    select coalesce(given.item ->> 'name', old.name) as name, given.item
    from jsonb_array_elements(v_schedules) as given (item)
    full join (
      select name
      from pgq.schedules
      where source = sync_schedules.source
    ) as old on old.name = given.item ->> 'name'
    order by coalesce(given.item ->> 'name', old.name) collate "C"
  loop
    name := v_item.name;
    if v_item.item is not null then
      change := pgq._put_schedule(pgq._read_static(v_item.item, sync_schedules.source));
      return next;
      continue;
    end if;
    delete from pgq.schedules as gone
    where gone.name = v_item.name
      and gone.source = sync_schedules.source;
    if found then
      change := 'removed';
      return next;
    end if;
  end loop;
end
$$;

comment on function pgq.sync_schedules is
  'Make these the schedules of a source, and no others; says of each what was done.';
