/*
 * What is wrong with the task, the args or the queue of a job to be enqueued, as message and hint;
 * null when nothing is.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._task_problem(
  task text,
  args jsonb,
  queue text,
  max_bytes bigint
)
  returns text[]
  language sql
  stable
as $$
  select case
    when task is null or task = '' then array[
      'task is empty', 'Name the handler that will run the job.']
    when pg_catalog.length(task) > 256 then array[
      'task is longer than 256 characters', 'Use a shorter name.']
    when queue = '' then array[
      'queue is empty', 'Leave it out for the default queue.']
    when pg_catalog.length(queue) > 128 then array[
      'queue is longer than 128 characters', 'Use a shorter name.']
    when pg_catalog.jsonb_typeof(args) not in ('object', 'array') then array[
      pg_catalog.format('args are a JSON %s', pg_catalog.jsonb_typeof(args)),
      'Pass an object of keyword arguments or an array of positional ones.']
    when pg_catalog.pg_column_size(args) > max_bytes then array[
      pg_catalog.format('args take %s bytes, more than %s',
        pg_catalog.pg_column_size(args), max_bytes),
      'Store the data elsewhere and pass its key, or raise max_args_bytes with configure().']
    when pgq._json_problem(args) is not null then array[
      'args have ' || pgq._json_problem(args),
      'Pass it as text, or store the data elsewhere and pass its key.']
  end
$$;

comment on function pgq._task_problem is
  'What is wrong with the task, the args or the queue of a job, as message and hint.';
