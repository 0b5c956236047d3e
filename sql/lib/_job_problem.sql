/*
 * What is wrong with a job to be enqueued, as message and hint; null when nothing is.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._job_problem(
  given pgq.job_options,
  last_id bigint,
  max_bytes bigint
)
  returns text[]
  language sql
  stable
as $$
  select coalesce(
    pgq._task_problem(given.task, given.args, given.queue, max_bytes),
    case
      when pg_catalog.jsonb_typeof(given.headers) <> 'object' then array[
        pg_catalog.format('headers are a JSON %s', pg_catalog.jsonb_typeof(given.headers)),
        'Pass an object.']
      when pg_catalog.pg_column_size(given.headers) > max_bytes then array[
        pg_catalog.format('headers take %s bytes, more than %s',
          pg_catalog.pg_column_size(given.headers), max_bytes),
        'Store the data elsewhere and pass its key, or raise max_args_bytes with configure().']
      when pgq._json_problem(given.headers) is not null then array[
        'headers have ' || pgq._json_problem(given.headers),
        'Pass it as text, or store the data elsewhere and pass its key.']
      when given.priority not between -2147483648 and 2147483647 then array[
        'priority is out of range', 'Pass a 32-bit integer; lower runs first.']
      when given.run_at is not null and given.delay is not null then array[
        'both run_at and delay are given', 'Pass only one of them.']
      when given.run_at not between timestamptz '2000-01-01 00:00+00'
        and timestamptz '9998-01-01 00:00+00' then array[
        'run_at is out of range', 'Pass a time between the years 2000 and 9997.']
      when not pg_catalog.isfinite(given.delay)
        or not given.delay between interval '0' and interval '100 years' then array[
        'delay is negative, infinite or over a hundred years',
        'Pass an interval of at least 0 seconds.']
      when not given.max_attempts between 1 and 1000000 then array[
        pg_catalog.format('max_attempts is %s', given.max_attempts),
        'Pass 1 (never retry) up to 1000000.']
      when not pg_catalog.isfinite(given.timeout)
        or not given.timeout between interval '1 millisecond' and interval '1 year' then array[
        'timeout is not positive, infinite or over a year', 'Pass an interval such as 30 seconds.']
      when not pg_catalog.isfinite(given.expires_in)
        or not given.expires_in between interval '1 millisecond' and interval '100 years'
      then array[
        'expires_in is not positive, infinite or over a hundred years',
        'Pass an interval such as 10 minutes.']
    end,
    pgq._unique_key_problem(given),
    pgq._coordination_problem(given, last_id)
  )
$$;

comment on function pgq._job_problem is
  'What is wrong with a job to be enqueued, as message and hint.';
