/*
 * What a job of a task gets besides what its enqueue says: an object to put over its options. Null:
 * nothing. Each function that makes jobs asks here, so that all have the same defaults.
 *
 * given: the options that the enqueue has. declared: those of them that are only defaults in the
 * caller's code: what an operator set goes before them. A null in the answer takes one away. The
 * options of a key belong to the key: an enqueue with its own key brings its own, and a job without
 * a key has none.
 */
create or replace function pgq._task_defaults(
  task text,
  args jsonb,
  given text[],
  declared text[]
)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_task pgq.tasks;
  v_own text[];
  v_more jsonb;
  v_named jsonb;
  v_of_key record;
begin
  select *
  into v_task
  from pgq.tasks as known
  where known.name = _task_defaults.task;
  if coalesce(v_task.options, '{}') = '{}' then
    return null;
  end if;

  -- unique_by is another way to say a key: a key of the call goes before both.
  v_own := array_replace(
    array(select unnest(given) except select unnest(declared)), 'unique_by', 'unique_key'
  );
  given := array_replace(given, 'unique_by', 'unique_key');
  v_more := v_task.options - 'on_exhausted' - array(
    select option from unnest(given) as option
    where option = any(v_own) or not v_task.configured ? option
  );
  if 'unique_key' = any(v_own) or v_more ? 'unique_key'
    or 'unique_key' = any(given) and not v_task.configured ? 'unique_by'
  then
    v_more := v_more - 'unique_by';
  end if;
  for v_of_key in
    select *
    from (
      values
        ('unique_key', array['unique_while', 'unique_for', 'on_conflict']),
        ('concurrency_key', array[
          'concurrency_limit', 'concurrency_duration', 'concurrency_weight',
          'concurrency_on_conflict', 'concurrency_order']),
        ('partition_key', array[]::text[])
    ) as known (key, options)
  loop
    if v_more ? v_of_key.key then
      v_named := coalesce(v_named, pgq._named_args(_task_defaults.args, v_task.parameters));
      v_more := v_more || jsonb_build_object(v_of_key.key, pgq._key_of_template(
        v_more ->> v_of_key.key, v_named, format('%s of task %s', v_of_key.key, v_task.name)
      ));
      if v_more ->> v_of_key.key is null then
        v_more := v_more || (
          select coalesce(jsonb_object_agg(option, null), '{}')
          from unnest(v_of_key.options) as option
          where option <> all(v_own)
        );
      end if;
    elsif (v_of_key.key = any(v_own) or v_of_key.key <> all(given))
      and not (v_of_key.key = 'unique_key' and v_more ? 'unique_by')
    then
      v_more := v_more - v_of_key.options;
    end if;
  end loop;
  return v_more;
end
$$;

comment on function pgq._task_defaults is
  'What a job of a task gets besides what its enqueue says.';
