/*
 * Make this database a shard, before its first job. From then on its jobs and batches have ids that
 * leave its number when they are divided by 1024. owners: who takes which slot, from 0 on; without
 * it this shard takes all.
 */
create or replace function pgq.shard_init(number bigint, owners bigint[] default null)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence text;
begin
  perform pgq._check_shard_numbers(array[shard_init.number], 'number');
  perform pgq._check_shard_numbers(owners, 'owners');
  if shard_init.number is null or cardinality(owners) <> 1024 then
    raise exception 'a shard needs a number, and an owner for each of the 1,024 slots'
      using errcode = 'JQ002',
            hint = 'Or leave owners out: then it takes all slots.';
  end if;
  lock table pgq.jobs, pgq.batches in share row exclusive mode;
  if exists (select from pgq.shard) then
    raise exception 'this database is shard % already', (select shard.number from pgq.shard)
      using errcode = 'JQ002',
            hint = 'A shard keeps its number for ever: the ids of its jobs have it.';
  end if;
  if (select is_called from pgq.jobs_id_seq) or (select is_called from pgq.batches_id_seq) then
    raise exception 'jobs or batches were made here before'
      using errcode = 'JQ002',
            hint = 'Their ids tell no shard: install pgq in an empty database, or schema.';
  end if;
  -- Its trigger lets ids be 1,024 apart.
  insert into pgq.shard (number) values (shard_init.number);
  foreach v_sequence in array '{jobs_id_seq,batches_id_seq}'::text[] loop
    execute format(
      'alter sequence pgq.%I restart with %s',
      v_sequence, coalesce(nullif(shard_init.number, 0), 1024)
    );
  end loop;
  insert into pgq.shard_slots (slot, owner)
  select slot, case when owners is null then shard_init.number else owners[slot + 1] end
  from generate_series(0, 1023) as slot;
  perform pgq._audit_call('shard_init', format('shard %s', shard_init.number));
end
$$;

comment on function pgq.shard_init is
  'Make this database a shard, before its first job: its ids then tell its number.';
