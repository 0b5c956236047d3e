/*
 * Make the history partitions of today and the days ahead that are missing, and of days whose rows
 * lie in the default partition, since nobody had made theirs in time; answer how many.
 *
 * A day is one of UTC, whatever zone and style the session has. One that overlaps a partition that
 * somebody else made is left to that, and to the default partition.
 *
 * ATTACH is gentler than CREATE ... PARTITION OF: settles go on while it waits, and it waits 100 ms
 * at most. Rows of such a day that went to the default partition meanwhile are moved first.
 */
create or replace function pgq._make_history_partitions(days_ahead integer)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  v_today constant date := (pgq._now() at time zone 'UTC')::date;
  v_name text;
  v_from text;
  v_to text;
  v_made bigint := 0;
begin
  perform pgq._revoke_type_usage();
  for v_name, v_from, v_to in
    select 'job_history_' || to_char(v_today + ahead, 'YYYYMMDD'),
      to_char(v_today + ahead, 'YYYY-MM-DD 00:00:00+00'),
      to_char(v_today + ahead + 1, 'YYYY-MM-DD 00:00:00+00')
    from (
      select generate_series(0, days_ahead)
      union
      select (past.finished_at at time zone 'UTC')::date - v_today
      from pgq.job_history_default as past
    ) as days (ahead)
    order by ahead not between 0 and days_ahead, ahead
    limit 100 + days_ahead
  loop
    continue when to_regclass('pgq.' || v_name) is not null;
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
      v_made := v_made + 1;
    exception
      when invalid_object_definition then
        null;  -- it overlaps
    end;
  end loop;
  return v_made;
end
$$;

comment on function pgq._make_history_partitions is
  'Make the history partitions of today and the days ahead that are missing.';
