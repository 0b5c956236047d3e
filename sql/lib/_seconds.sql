/*
 * The seconds of an interval, or of a plain number of seconds.
 */
create or replace function pgq._seconds(value text)
  returns numeric
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when value ~ '^[[:space:]]*[0-9]+([.][0-9]+)?[[:space:]]*$' then value::numeric
    else extract(epoch from value::interval)
  end
$$;

comment on function pgq._seconds is 'The seconds of an interval, or of a plain number of seconds.';
