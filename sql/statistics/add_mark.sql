/*
 * Mark a moment, such as a deploy, so that charts can show it. The default is now.
 */
create or replace function pgq.add_mark(label text, at timestamptz default null)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(length(add_mark.label), 0) not between 1 and 200 then
    raise exception 'label has not between 1 and 200 characters'
      using errcode = 'JQ002',
            hint = 'Pass a short text, such as a version.';
  elsif not add_mark.at between timestamptz '2000-01-01 00:00+00'
    and timestamptz '9998-01-01 00:00+00'
  then
    raise exception 'at is out of range'
      using errcode = 'JQ002',
            hint = 'Pass a time between the years 2000 and 9997.';
  end if;
  insert into pgq.stat_marks (label, at)
  values (add_mark.label, coalesce(add_mark.at, pgq._now()));
  perform pgq._audit_call('add_mark', add_mark.label, jsonb_build_object('at', add_mark.at));
end
$$;

comment on function pgq.add_mark is 'Mark a moment, such as a deploy, so that charts can show it.';
