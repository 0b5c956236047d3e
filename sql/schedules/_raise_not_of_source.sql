/*
 * Raise that a schedule is not the caller's to change: it belongs to its source, or with none to
 * the caller of schedule().
 */
create or replace function pgq._raise_not_of_source(name text, source text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if source is null then
    raise exception 'schedule % is there already, made by schedule()', pgq._shorten(name)
      using errcode = 'JQ002',
            hint = format('Choose another name, or call unschedule(%L) first.', name);
  end if;
  raise exception 'schedule % belongs to %', pgq._shorten(name), pgq._shorten(source)
    using errcode = 'JQ002',
          hint = format(
            'Change it or remove it there. When there is no %s any more, '
              'sync_schedules(%L, ''[]'') removes what it left.',
            source, source
          );
end
$$;

comment on function pgq._raise_not_of_source is
  'Raise that a schedule is not the caller''s to change.';
