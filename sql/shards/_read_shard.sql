/*
 * The number of this shard; raises where this database is none.
 */
create or replace function pgq._read_shard()
  returns bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_number constant bigint := (select number from pgq.shard);
begin
  if v_number is null then
    raise exception 'this database is no shard'
      using errcode = 'JQ002',
            hint = 'Make it one before its first job: pgq shard init.';
  end if;
  return v_number;
end
$$;

comment on function pgq._read_shard is 'The number of this shard; raises where there is none.';
