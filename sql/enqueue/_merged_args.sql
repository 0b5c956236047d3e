/*
 * The args of a waiting job after others are merged into them: an argument that is an array in both
 * gets the new elements at its end, any other one has its new value. Raises JQ001 where that has no
 * meaning, or the result is too large; then the enqueue changes nothing.
 */
create or replace function pgq._merged_args(owner pgq.jobs, new_job pgq.jobs)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_merged jsonb;
  v_problem text[];
begin
  if owner.task <> new_job.task then
    v_problem := array[
      'the unique_key belongs to a job of task ' || pgq._shorten(owner.task),
      'Let the key begin with the name of the task.'
    ];
  elsif pgq._args_are_named(owner.args) and pgq._args_are_named(new_job.args) then
    v_merged := owner.args || new_job.args || (
      select coalesce(jsonb_object_agg(key, owner.args -> key || value), '{}')
      from jsonb_each(new_job.args)
      where jsonb_typeof(value) = 'array'
        and jsonb_typeof(owner.args -> key) = 'array'
    );
    v_problem := pgq._task_problem(
      new_job.task, v_merged, new_job.queue, (select max_args_bytes from pgq.settings)
    );
  else
    v_problem := array[
      'args without names cannot be merged', 'Pass an object, such as {"ids": [17]}.'
    ];
  end if;
  if v_problem is not null then
    perform pgq._raise_invalid_job(
      v_problem, format('nothing is merged into job %s: ', owner.id), new_job.task
    );
  end if;
  return v_merged;
end
$$;

comment on function pgq._merged_args is
  'The args of a waiting job after others are merged into them.';
