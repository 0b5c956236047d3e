/*
 * The days (UTC) whose finished jobs are in the default partition of the history, with their
 * number. It reads 100,000 rows at most. If there are more, or they take more than 64 MB, they are
 * too many to be moved; then the number is null, also that of today.
 */
create or replace function pgq._days_in_default_partition()
  returns table (day date, jobs bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with seen as materialized (
    select past.finished_at,
      coalesce(pg_column_size(past.args), 0) + coalesce(pg_column_size(past.result), 0)
        + coalesce(pg_column_size(past.errors), 0) + 300 as bytes
    from pgq.job_history_default as past
    limit 100001
  ),
  whole as (
    select count(*) > 100000 or sum(bytes) > 67108864 as is_much from seen
  ),
  counted as (
    select (finished_at at time zone 'UTC')::date as day, count(*) as jobs from seen group by 1
    union all
    select (pgq._now() at time zone 'UTC')::date, 0 from whole where is_much
  )
  select day, case when not is_much then sum(jobs)::bigint end
  from counted
  cross join whole
  group by day, is_much;
end
$$;

comment on function pgq._days_in_default_partition is
  'The days whose finished jobs are in the default partition of the history, with their number.';
