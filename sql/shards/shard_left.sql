/*
 * What is in this shard of slots, or, without slots, of all that it does not take: so many live
 * jobs, unique keys that are taken for a time, and schedules, by slot. No rows: nothing is. It
 * reads every live job, and raises if there are more than max_looked_at.
 */
create or replace function pgq.shard_left(
  slots bigint[] default null, max_looked_at bigint default 1000000
)
  returns table (slot bigint, jobs bigint, windows bigint, schedules bigint)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_number constant bigint := pgq._read_shard();
  v_slots constant bigint[] := coalesce(slots, array(
    select known.slot
    from pgq.shard_slots as known
    where known.owner is distinct from v_number
  ));
begin
  perform pgq._check_shard_numbers(v_slots, 'slots');
  if (select count(*) from (select from pgq.jobs limit max_looked_at + 1) as live) > max_looked_at
  then
    raise exception 'there are more than % live jobs', max_looked_at
      using errcode = 'JQ002',
            hint = 'Pass a higher max_looked_at: it reads them all.';
  end if;
  return query
  select found.slot, count(*) filter (where found.kind = 'job'),
    count(*) filter (where found.kind = 'window'), count(*) filter (where found.kind = 'schedule')
  from (
    select 'job', pgq.shard_slot(
        job.queue, job.unique_key, job.concurrency ->> 'key', job.partition_key
      )
    from pgq.jobs as job
    union all
    select 'window', pgq.shard_slot(job.queue, taken.unique_key)
    from pgq.key_windows as taken
    join lateral (select queue from pgq.all_jobs where id = taken.job_id limit 1) as job on true
    where taken.until_at > pgq._now()
    union all
    select 'schedule', pgq.shard_slot(schedule.job ->> 'queue')
    from pgq.schedules as schedule
  ) as found (kind, slot)
  where found.slot = any(v_slots)
  group by found.slot
  order by found.slot;
end
$$;

comment on function pgq.shard_left is
  'How many live jobs and schedules of slots are in this shard; without slots, of others'' ones.';
