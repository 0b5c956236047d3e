/*
 * history
 *   when: tomorrow has no partition, or the default one has rows
 *   do: end the session that reads the history all the time
 */
create or replace function pgq._health_history(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select 'history', case when found.missing or found.stray then 'warn' else 'ok' end,
    null::double precision,
    case
      when found.stray then 'finished jobs are in the default partition'
      when found.missing then 'the partition of tomorrow is missing'
      else 'tomorrow has its partition, and the default one is empty'
    end,
    case
      when found.missing or found.stray
      then 'If no session reads the history all the time (see pg_locks), this makes them: '
        || 'select * from pgq.maintain();'
    end,
    'Some days of the history have no partition, so their rows must be deleted one by one.'
  from (
    select exists (select from pgq.job_history_default) as stray,
      to_regclass(
        'pgq.job_history_'
          || to_char((now_at + interval '24 hours') at time zone 'UTC', 'YYYYMMDD')
      ) is null as missing
  ) as found;
end
$$;

comment on function pgq._health_history is 'Health: whether the history has its partitions.';
