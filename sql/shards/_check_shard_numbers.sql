/*
 * Raise for numbers of slots or shards that are not from 0 to 1023.
 */
create or replace function pgq._check_shard_numbers(numbers bigint[], what text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgq._check_count(cardinality(numbers), what, 1024);
  if exists (select from unnest(numbers) as number where number not between 0 and 1023) then
    raise exception '% has a number that is not from 0 to 1023', what
      using errcode = 'JQ002',
            hint = 'There are 1,024 slots, and as many numbers of shards.';
  end if;
end
$$;

comment on function pgq._check_shard_numbers is
  'Raise for numbers of slots or shards that are not from 0 to 1023.';
