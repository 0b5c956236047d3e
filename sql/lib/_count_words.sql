/*
 * How often each word is among these, as an object of the words.
 */
create or replace function pgq._count_words(words text[])
  returns jsonb
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(counted.word, counted.times)
  from (
    select word, count(*) as times
    from unnest(words) as word
    group by word
  ) as counted
$$;

comment on function pgq._count_words is 'How often each word is among these.';
