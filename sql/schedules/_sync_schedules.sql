/*
 * What sync_schedules does once the schedules are jsonb: the part with the owner's rights.
 */
create or replace function pgq._sync_schedules(source text, schedules jsonb)
  returns table (name text, change text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_item record;
begin
  perform pgq._check_schedule_list(_sync_schedules.source, _sync_schedules.schedules);

  for v_item in
    select coalesce(given.item ->> 'name', old.name) as name, given.item
    from jsonb_array_elements(_sync_schedules.schedules) as given (item)
    full join (
      select name
      from pgq.schedules
      where source = _sync_schedules.source
    ) as old on old.name = given.item ->> 'name'
    order by coalesce(given.item ->> 'name', old.name) collate "C"
  loop
    name := v_item.name;
    if v_item.item is not null then
      change := pgq._upsert_schedule(
        pgq._read_synced_schedule(v_item.item, _sync_schedules.source)
      );
      return next;
      continue;
    end if;
    delete from pgq.schedules as gone
    where gone.name = v_item.name
      and gone.source = _sync_schedules.source;
    if found then
      change := 'removed';
      return next;
    end if;
  end loop;
end
$$;

comment on function pgq._sync_schedules is
  'What sync_schedules does once the schedules are jsonb.';
