/*
 * Say what must go from the history, by day, queue and state, the oldest day first; it changes
 * nothing. day is when the day (UTC) began. With older_than that is what prune(older_than) drops.
 * Without, it is what the ages of configure_retention() say that maintain() deletes when it is next
 * due: whole_day says that all of the day goes, as prune() does it; otherwise only these jobs do.
 *
 * It reads about 5,000 pages of the hundred oldest such days. Where a day has more than its share,
 * the numbers come from a sample, and exact is false. Rows of the default partition, where there
 * are usually none, are not counted.
 */
create or replace function pgq.prune_preview(older_than interval default null)
  returns table (
    day timestamptz, queue text, state text, jobs bigint, exact boolean, whole_day boolean
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  v_before constant date := pgq._prune_before(prune_preview.older_than);
begin
  return query
  with due as (
    select past.day, true as is_whole
    from pgq._history_partitions() as past
    where past.day < v_before
    union all
    select one.day, false
    from pgq._history_days_due() as one
    where prune_preview.older_than is null
    order by 1
    limit 100
  )
  select due.day::timestamp at time zone 'UTC', found.queue, found.state, found.jobs, found.exact,
    due.is_whole
  from due
  cross join lateral pgq._preview_day(
    due.day, due.is_whole, 5000 / (select count(*) from due)
  ) as found
  order by due.day, found.queue, found.state;
end
$$;

comment on function pgq.prune_preview is
  'Say what must go from the history, by day, queue and state; it changes nothing.';
