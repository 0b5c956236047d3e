/*
 * Refuses an expression whose fields allow no day. It has a result type for the same reason as
 * _raise_cron_error.
 */
create or replace function pgq._raise_cron_never_due(expression text)
  returns timestamptz
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_fields constant text[] := pgq._cron_fields(expression);
begin
  raise exception 'cron: day of month "%", month "%" and day of week "%" never come together',
    pgq._shorten(v_fields[3]), pgq._shorten(v_fields[4]), pgq._shorten(v_fields[5])
    using errcode = 'JQ006',
          hint = 'If the day of month or the day of week begins with a star, as */2 does, '
      'a day must fit both. The last day of a month is L.';
end
$$;

comment on function pgq._raise_cron_never_due is
  'Refuse a cron expression whose fields allow no day.';
