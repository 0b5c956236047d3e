/*
 * Return the marks in a window (default: the last 24 hours), oldest first. If there are more than
 * a thousand, these are the newest.
 */
create or replace function pgq.marks(
  since timestamptz default null,
  until timestamptz default null
)
  returns table (at timestamptz, label text)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  return query
  select newest.at, newest.label
  from (
    select mark.id, mark.at, mark.label
    from pgq.stat_marks as mark
    where mark.at >= coalesce(marks.since, pgq._now() - interval '24 hours')
      and mark.at <= coalesce(marks.until, 'infinity')
    order by mark.at desc, mark.id desc
    limit 1000
  ) as newest
  order by newest.at, newest.id;
end
$$;

comment on function pgq.marks is 'Return the marks in a window, such as deploys, oldest first.';
