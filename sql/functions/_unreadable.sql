/*
 * What of a value no common client could read, though jsonb holds it; null when nothing is. Numbers
 * fit a double, and nothing is nested deeper than the default of the strictest parser in use
 * (.NET's; see docs/decisions).
 *
 * The text is looked at, because a jsonb of 20 bytes may be written with 5,000 digits. A short one
 * can hold neither; of a long one a pattern says whether its numbers need an exact look.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._unreadable(value jsonb)
  returns text
  language sql
  stable
as $$
  select case
    -- There is no encoding to convert from, so that a client may store any bytes.
    when pg_catalog.getdatabaseencoding() = 'SQL_ASCII'
      and value is not null
      and pg_catalog.convert_from(pg_catalog.convert_to(value::text, 'SQL_ASCII'), 'UTF8') is null
    then 'text that is not UTF-8'
    when pg_catalog.octet_length(value::text) >= 130 is not true then null
    when value @? 'strict $.**{64} ? (@.type() == "array" || @.type() == "object")'
    then 'more than 64 levels'
    when value::text ~ '[0-9.]{255}[0-9.]{54}'
      and (
        value @? '$.** ? (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308)'
        or value @? '$.** ? (@ != 0 && @ > -1e-400 && @ < 1e-400)'
      )
    then 'a number beyond 1.8e308, or nearer to 0 than 1e-400'
  end
$$;

comment on function pgq._unreadable is
  'What of a value no common client could read, though jsonb holds it; null when nothing is.';
