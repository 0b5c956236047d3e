/*
 * The different texts of a list, in the order of their bytes.
 */
create or replace function pgq._ordered(texts text[])
  returns text[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select distinct each collate "C" from unnest(texts) as each where each is not null order by 1
  );
end
$$;

comment on function pgq._ordered is 'The different texts of a list, in the order of their bytes.';
