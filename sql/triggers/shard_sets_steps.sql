/*
 * The step of a shard's ids comes with its row. So a restore of the extension has it too, whose
 * dump has rows and places of sequences, but not their steps.
 */
create or replace function pgq._set_id_steps()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  alter sequence pgq.jobs_id_seq increment by 1024;
  alter sequence pgq.batches_id_seq increment by 1024;
  return null;
end
$$;

comment on function pgq._set_id_steps is 'Let the ids of a shard be 1,024 apart.';

create trigger shard_sets_steps
  after insert on pgq.shard
  for each row
  execute function pgq._set_id_steps();

comment on trigger shard_sets_steps on pgq.shard is
  'Lets the ids of a shard be 1,024 apart, also after a restore.';
