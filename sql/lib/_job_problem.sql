/*
 * What is wrong with a job to be enqueued, as message and hint; null when nothing is.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._job_problem(
  task text,
  args jsonb,
  queue text,
  priority bigint,
  run_at timestamptz,
  delay interval,
  max_attempts bigint,
  timeout interval,
  expires_in interval,
  unique_key text,
  on_conflict text,
  unique_while text,
  unique_for interval,
  headers jsonb,
  max_bytes bigint
)
  returns text[]
  language sql
  stable
as $$
  select case
    when task is null or task = '' then array[
      'task is empty', 'Name the handler that shall run the job.']
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
    when pg_catalog.jsonb_typeof(headers) <> 'object' then array[
      pg_catalog.format('headers are a JSON %s', pg_catalog.jsonb_typeof(headers)),
      'Pass an object.']
    when pg_catalog.pg_column_size(headers) > max_bytes then array[
      pg_catalog.format('headers take %s bytes, more than %s',
        pg_catalog.pg_column_size(headers), max_bytes),
      'Store the data elsewhere and pass its key, or raise max_args_bytes with configure().']
    when pgq._json_problem(headers) is not null then array[
      'headers have ' || pgq._json_problem(headers),
      'Pass it as text, or store the data elsewhere and pass its key.']
    when priority not between -2147483648 and 2147483647 then array[
      'priority is out of range', 'Pass a 32-bit integer; lower runs first.']
    when run_at is not null and delay is not null then array[
      'both run_at and delay are given', 'Give one of them.']
    when run_at not between timestamptz '2000-01-01 00:00+00'
      and timestamptz '9998-01-01 00:00+00' then array[
      'run_at is out of range', 'Pass a time between the years 2000 and 9997.']
    when not pg_catalog.isfinite(delay)
      or not delay between interval '0' and interval '100 years' then array[
      'delay is negative, infinite or over a hundred years',
      'Pass an interval of at least 0 seconds.']
    when not max_attempts between 1 and 1000000 then array[
      pg_catalog.format('max_attempts is %s', max_attempts),
      'Pass 1 (never retry) up to 1000000.']
    when not pg_catalog.isfinite(timeout)
      or not timeout between interval '1 millisecond' and interval '1 year' then array[
      'timeout is not positive, infinite or over a year', 'Pass an interval such as 30 seconds.']
    when not pg_catalog.isfinite(expires_in)
      or not expires_in between interval '1 millisecond' and interval '100 years' then array[
      'expires_in is not positive, infinite or over a hundred years',
      'Pass an interval such as 10 minutes.']
    else pgq._unique_key_problem(unique_key, on_conflict, unique_while, unique_for)
  end
$$;

comment on function pgq._job_problem is
  'What is wrong with a job to be enqueued, as message and hint.';
