/*
 * The first few of many names, for a sentence: "a, b, c and 4 more".
 */
create or replace function pgq._list_briefly(names text[])
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select array_to_string(names[1:3], ', ')
    || case
      when cardinality(names) > 3 then format(' and %s more', cardinality(names) - 3) else ''
    end
$$;

comment on function pgq._list_briefly is 'The first few of many names, for a sentence.';
