/*
 * Whether args are an object of named arguments alone: no array, and not
 * {"args": [], "kwargs": {}}.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._args_are_named(args jsonb)
  returns boolean
  language sql
  immutable
as $$
  select coalesce(
    pg_catalog.jsonb_typeof(args) = 'object'
      and not (args ?& '{args,kwargs}' and args - '{args,kwargs}'::text[] = '{}'),
    true
  )
$$;

comment on function pgq._args_are_named is 'Whether args are an object of named arguments alone.';
