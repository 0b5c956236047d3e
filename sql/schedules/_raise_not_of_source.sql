/*
 * Raise that this caller may not change a schedule: it belongs to its source, or, without a source,
 * to the callers of schedule().
 */
create or replace function pgq._raise_not_of_source(name text, source text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if source is null then
    raise exception 'schedule % exists already, made by schedule()', pgq._shorten(name)
      using errcode = 'JQ002',
            hint = format('Choose another name, or call unschedule(%L) first.', name);
  end if;
  raise exception 'schedule % belongs to %', pgq._shorten(name), pgq._shorten(source)
    using errcode = 'JQ002',
          hint = format(
            'Change it or remove it there. If %s does not exist any more, '
              'sync_schedules(%L, ''[]'') removes what it left.',
            source, source
          );
end
$$;

comment on function pgq._raise_not_of_source is
  'Raise that this caller may not change a schedule.';
