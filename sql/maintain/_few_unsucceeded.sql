create or replace function pgq._few_unsucceeded(day date)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return (
    select count(*) <= 10000 and coalesce(sum(seen.bytes), 0) <= 67108864
    from (
      select coalesce(pg_column_size(past.args), 0) + coalesce(pg_column_size(past.errors), 0)
        + coalesce(pg_column_size(past.headers), 0) + 300 as bytes
      from pgq.job_history as past
      where past.finished_at >= _few_unsucceeded.day::timestamp at time zone 'UTC'
        and past.finished_at < (_few_unsucceeded.day + 1)::timestamp at time zone 'UTC'
        and past.state <> 'succeeded'
      limit 10001
    ) as seen
  );
end
$$;

comment on function pgq._few_unsucceeded is
  'Whether the jobs of a day that did not succeed are few enough to be moved at once.';
