/*
 * The tasks of a claim without those that are paused, in the form of _is_wanted: if the claim wants
 * all tasks, a list of those that it does not want. So the marks for lists of tasks also lead past
 * the jobs of a paused one.
 */
create or replace function pgq._wanted_tasks(tasks text[], now_at timestamptz)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_paused text[];
begin
  if '' = any(tasks) then
    raise exception 'a task is empty'
      using errcode = 'JQ002',
            hint = 'Pass the names of tasks, or null for all.';
  end if;
  -- A table without a page costs nothing.
  if pg_relation_size('pgq.pauses'::regclass) = 0 then
    return tasks;
  end if;
  v_paused := array(
    select pause.name
    from pgq.pauses as pause
    where pause.kind = 'task'
      and (pause.paused_until is null or pause.paused_until > now_at)
    order by pause.name collate "C"
  );
  if cardinality(v_paused) = 0 then
    return tasks;
  elsif tasks is null then
    return array[''] || v_paused;
  end if;
  return array(select task from unnest(tasks) as task where task <> all(v_paused));
end
$$;

comment on function pgq._wanted_tasks is 'The tasks of a claim without those that are paused.';
