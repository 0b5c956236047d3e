/*
 * Return the counts of a histogram, the highest bucket first; see _histogram(). There are 55, so
 * the number of a bucket is 35 less the place of its count. Null for null.
 */
create or replace function pgq._counts_of(histogram numeric)
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return string_to_array(
    substr(regexp_replace(lpad(histogram::text, 660, '0'), '(.{12})', E' \\1', 'g'), 2), ' '
  )::bigint[];
end
$$;

comment on function pgq._counts_of is 'Return the counts of a histogram, the highest bucket first.';
