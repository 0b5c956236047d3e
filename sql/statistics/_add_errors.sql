/*
 * Add the errors among what was counted to stat_errors and stat_error_hours. The caller holds the
 * row of stat_folds, so nobody else writes to them.
 *
 * Once an hour has 5,000 rows, errors of that hour are counted under the queue (other).
 */
create or replace function pgq._add_errors(counted pgq.stat_deltas[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  c_most constant bigint := 5000;
  c_other constant text := '(other)';
  v_errors constant pgq.stat_deltas[] := pgq._name_errors(counted, c_most, c_other);
  v_full constant timestamptz[] := array(
    select hour
    from (select distinct date_trunc('hour', minute, 'UTC') from unnest(v_errors)) as told (hour)
    where (select count(*) from pgq.stat_error_hours as stored where stored.hour = told.hour)
      >= c_most
  );
begin
  insert into pgq.stat_errors as known
  select fingerprint, task, last_error ->> 'type',
    case
      when fingerprint = c_other then 'errors of more kinds than there is room for'
      else pgq._error_pattern(last_error ->> 'sample')
    end,
    last_error ->> 'sample', first_seen, last_seen, (last_error ->> 'job_id')::bigint
  from (
    select one.error ->> 'fingerprint' as fingerprint, one.task, min(seen.at) as first_seen,
      max(seen.at) as last_seen, (array_agg(one.error order by seen.at desc))[1] as last_error
    from unnest(v_errors) as one
    cross join lateral (select (one.error ->> 'at')::timestamptz) as seen (at)
    group by 1, 2
  ) as same
  on conflict on constraint stat_errors_pkey do update
  set first_seen = least(known.first_seen, excluded.first_seen),
      last_seen = greatest(known.last_seen, excluded.last_seen),
      sample = case
        when excluded.last_seen >= known.last_seen then excluded.sample else known.sample
      end,
      last_job_id = case
        when excluded.last_seen >= known.last_seen then excluded.last_job_id
        else known.last_job_id
      end;

  insert into pgq.stat_error_hours as known (hour, queue, task, fingerprint, attempts)
  select date_trunc('hour', one.minute, 'UTC'),
    case when date_trunc('hour', one.minute, 'UTC') = any(v_full) then c_other else one.queue end,
    one.task, one.error ->> 'fingerprint', sum(one.jobs)
  from unnest(v_errors) as one
  group by 1, 2, 3, 4
  on conflict on constraint stat_error_hours_pkey do update
  set attempts = known.attempts + excluded.attempts;
end
$$;

comment on function pgq._add_errors is
  'Add the errors among what was counted to stat_errors and stat_error_hours.';
