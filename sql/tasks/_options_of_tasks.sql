/*
 * The options of enqueue() that a task may have, as the keys of an object: all that can be the same
 * for each job, and keys as templates. on_exhausted is no option of a job: it is read when one
 * fails.
 */
create or replace function pgq._options_of_tasks()
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(jsonb_populate_record(null::pgq.job_options, '{}')) - array[
    'new_id', 'ref', 'task', 'args', 'run_at', 'delay', 'headers', 'depends_on',
    'on_parent_failure', 'batch_id', 'declared', 'max_wait'
  ] || '{"on_exhausted": null}'
$$;

comment on function pgq._options_of_tasks is
  'The options of enqueue() that a task may have, as the keys of an object.';
