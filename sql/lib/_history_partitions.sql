/*
 * The partitions of the history that _make_history_partitions made, or could have made: their name
 * and bounds are those of one day. Other partitions, for instance an archive of a year, belong to
 * somebody else.
 *
 * Postgres gives bounds only as text, in the session's zone and style. `offset 0` keeps the planner
 * from reading them once for each place that names them.
 */
create or replace function pgq._history_partitions()
  returns table (partition text, day date)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
begin
  return query
  select child.relname::text, since.day
  from pg_inherits as link
  join pg_class as child on child.oid = link.inhrelid
  cross join lateral (
    select pg_get_expr(child.relpartbound, child.oid) as bounds offset 0
  ) as made
  cross join lateral (
    select substring(bounds from '''([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00[+]00''')::date as day
    offset 0
  ) as since
  where link.inhparent = 'pgq.job_history'::regclass
    and child.relnamespace = 'pgq'::regnamespace
    and child.relname = to_char(since.day, '"job_history_"YYYYMMDD')
    and bounds = format(
      'FOR VALUES FROM (''%s 00:00:00+00'') TO (''%s 00:00:00+00'')', since.day, since.day + 1
    );
end
$$;

comment on function pgq._history_partitions is
  'The partitions of the history that _make_history_partitions made, and their days.';
