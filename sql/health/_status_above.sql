/*
 * The status for a number that should be low; null is ok. Inlined: no settings.
 */
create or replace function pgq._status_above(
  measured double precision,
  warn_above double precision,
  fail_above double precision
)
  returns text
  language sql
  immutable
as $$
  select case
    when measured > fail_above then 'fail'
    when measured > warn_above then 'warn'
    else 'ok'
  end
$$;

comment on function pgq._status_above is 'The status for a number that should be low; null is ok.';
