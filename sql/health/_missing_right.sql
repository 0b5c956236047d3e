/*
 * The row of health() that stands for checks that may not run.
 */
create or replace function pgq._missing_right(said text)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select 'rights', 'fail', null::double precision, said,
    'As a superuser: pgq migrate --repair',
    'A check may not run, because something in the schema belongs to another role.'
$$;

comment on function pgq._missing_right is
  'The row of health() that stands for checks that may not run.';
