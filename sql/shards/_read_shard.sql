/*
 * The number of this shard; raises where this database is none, or its ids would not tell it: after
 * a restore that let no trigger fire, the row of a shard is there without the step of its ids.
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
  if pgq._id_increment() <> 1024 then
    raise exception 'the ids of shard % are not 1,024 apart', v_number
      using errcode = 'JQ002',
            hint = 'After a restore: alter sequence pgq.jobs_id_seq increment by 1024; and the same'
              ' for pgq.batches_id_seq.';
  end if;
  return v_number;
end
$$;

comment on function pgq._read_shard is 'The number of this shard; raises where there is none.';
