/*
 * The name that is most like a wrong one, by the pairs of letters that they share; null: none is
 * like it. It looks at a bounded number of names, and only for an error.
 */
create or replace function pgq._closest_name(wrong text, names text[])
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select name
  from (
    select distinct name
    from unnest(names[1:1000]) as name
    where char_length(name) between char_length(wrong) / 2 and least(char_length(wrong) * 2, 100)
  ) as known
  cross join lateral (
    select 2.0 * count(*) / (char_length(known.name) + char_length(wrong)) as likeness
    from (
      select lower(substr(' ' || known.name || ' ', place, 2)) collate "C"
      from generate_series(1, char_length(known.name) + 1) as place
      intersect
      select lower(substr(' ' || wrong || ' ', place, 2)) collate "C"
      from generate_series(1, least(char_length(wrong), 100) + 1) as place
    ) as shared
  ) as compared
  where likeness >= 0.5
  order by likeness desc, name collate "C"
  limit 1
$$;

comment on function pgq._closest_name is 'The name that is most like a wrong one.';
