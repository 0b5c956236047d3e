/*
 * The options of enqueue() that the jobs of a schedule may have, as the keys of an object. Options
 * about when a job runs, or after which jobs, are not among them.
 */
create or replace function pgq._options_of_tick_jobs()
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(jsonb_populate_record(null::pgq.job_options, '{}')) - array[
    'new_id', 'ref', 'run_at', 'delay', 'on_conflict', 'depends_on', 'on_parent_failure',
    'batch_id', 'unique_by', 'max_wait'
  ]
$$;

comment on function pgq._options_of_tick_jobs is
  'The options of enqueue() that the jobs of a schedule may have, as the keys of an object.';
