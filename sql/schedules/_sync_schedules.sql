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
  v_changed text[];
  v_changes text[];
begin
  perform pgq._check_schedule_list(_sync_schedules.source, _sync_schedules.schedules);

  for v_item in
    select coalesce(given.item ->> 'name', old.name) as name, given.item
    from jsonb_array_elements(
      pgq._schedules_of_shard(_sync_schedules.schedules)
    ) as given (item)
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
    else
      delete from pgq.schedules as gone
      where gone.name = v_item.name
        and gone.source = _sync_schedules.source;
      continue when not found;
      change := 'removed';
    end if;
    if change <> 'unchanged' then
      v_changed := v_changed || name;
      v_changes := v_changes || change;
    end if;
    return next;
  end loop;
  perform pgq._audit_call(
    'sync_schedules', _sync_schedules.source, affected => coalesce(cardinality(v_changed), 0),
    options => jsonb_build_object('schedules', to_jsonb(v_changed[1:100])),
    outcomes => pgq._count_words(v_changes)
  );
end
$$;

comment on function pgq._sync_schedules is
  'What sync_schedules does once the schedules are jsonb.';
