/*
 * A length of time as a text for people, in whole seconds.
 */
create or replace function pgq._format_interval(length interval)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
  set intervalstyle = postgres
as $$
  select case
    when length < interval '1 second' then 'under a second'
    when length < interval '1 minute' then format('%s s', extract(epoch from length)::bigint)
    else justify_hours(date_trunc('second', length))::text
  end
$$;

comment on function pgq._format_interval is 'A length of time as a text for people.';
