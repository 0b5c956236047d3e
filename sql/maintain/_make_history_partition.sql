/*
 * Make the history partition of a day (UTC), and move the rows of that day from the default
 * partition into it. False: it would overlap another partition, or there are more rows than may be
 * moved.
 *
 * ATTACH locks less than CREATE ... PARTITION OF: settles go on while it waits, and the caller lets
 * it wait for 100 ms at most. It reads the default partition once.
 */
create or replace function pgq._make_history_partition(day date)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := 'job_history_' || to_char(day::timestamp, 'YYYYMMDD');
  v_from constant text := to_char(day::timestamp, 'YYYY-MM-DD 00:00:00+00');
  v_to constant text := to_char(day::timestamp + interval '24 hours', 'YYYY-MM-DD 00:00:00+00');
begin
  execute format('create table pgq.%I (like pgq.job_history_default including all)', v_name);
  perform pgq._revoke_default_grants(v_name);
  execute format('comment on table pgq.%I is %L', v_name, 'Finished jobs of one day (UTC).');
  execute format(
    'with moved as (
       delete from pgq.job_history_default
       where finished_at >= %1$L and finished_at < %2$L
       returning *
     )
     insert into pgq.%3$I select * from moved',
    v_from, v_to, v_name
  );
  execute format(
    'alter table pgq.job_history attach partition pgq.%I for values from (%L) to (%L)',
    v_name, v_from, v_to
  );
  return true;
exception
  when invalid_object_definition then
    return false;  -- it overlaps
  when check_violation then
    return false;  -- rows of that day are in the default partition, beyond what was looked at
end
$$;

comment on function pgq._make_history_partition is 'Make the history partition of a day (UTC).';
