/*
 * Return the last error that a job has of one attempt, with the first line of its message.
 *
 * The database wrote these entries, so their texts can be read as times.
 */
create or replace function pgq._error_of_attempt(errors jsonb, attempt integer)
  returns table (
    type text,
    message text,
    worker text,
    ready_at timestamptz,
    started_at timestamptz,
    failed_at timestamptz
  )
  language sql
  stable
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
  select entry ->> 'type',
    left(split_part(entry ->> 'message', chr(10), 1), 200),
    entry ->> 'worker',
    (entry ->> 'ready_at')::timestamptz,
    (entry ->> 'started_at')::timestamptz,
    (entry ->> 'failed_at')::timestamptz
  from jsonb_array_elements(errors) with ordinality as known (entry, place)
  where (entry ->> 'attempt')::integer = _error_of_attempt.attempt
  order by place desc
  limit 1
$$;

comment on function pgq._error_of_attempt is 'Return the last error that a job has of one attempt.';
