/*
 * The queue's clock. Tests replace this function in their own database to travel in time. It is not
 * a setting, because then any session could expire leases.
 */
create or replace function pgq._now()
  returns timestamptz
  language sql
as $$
  select pg_catalog.clock_timestamp()
$$;

comment on function pgq._now is 'The queue''s clock.';
