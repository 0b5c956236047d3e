/*
 * What in a value no common client could read, although jsonb can hold it; null if there is
 * nothing. Numbers fit a double, and nothing is nested deeper than the default of the strictest
 * parser in use (.NET's; see docs/decisions).
 *
 * A jsonb of 20 bytes may be a number of 5,000 digits. So if a value is small, the length of its
 * text says whether it can hold such a number, or such a depth. That is enough for most jobs.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._json_problem(value jsonb)
  returns text
  language sql
  stable
as $$
  select case
    -- Here the server does not check the encoding, so a client may store any bytes.
    when pg_catalog.getdatabaseencoding() = 'SQL_ASCII'
      and value is not null
      and pg_catalog.convert_from(pg_catalog.convert_to(value::text, 'SQL_ASCII'), 'UTF8') is null
    then 'text that is not UTF-8'
    when pg_catalog.pg_column_size(value) < 128 and pg_catalog.octet_length(value::text) < 130
      or value is null
    then null
    when value @? 'strict $.**{64} ? (@.type() == "array" || @.type() == "object")'
    then 'more than 64 levels'
    when value @? 'strict $.** ? (@.abs() > 1.7976931348623157e308)'
    then 'a number beyond 1.8e308'
  end
$$;

comment on function pgq._json_problem is
  'What in a value no common client could read, although jsonb can hold it; null if nothing.';
