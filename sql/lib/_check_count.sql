/*
 * Raise if a caller's list is longer than one call allows. The rows that it names stay locked until
 * the caller's transaction ends, and others wait for that.
 */
create or replace function pgq._check_count(how_many bigint, what text, most bigint default 100000)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if how_many > most then
    raise exception '% has % entries, more than %', what, how_many, most
      using errcode = 'JQ002',
            hint = 'Call it several times, each with a part of them.';
  end if;
end
$$;

comment on function pgq._check_count is
  'Raise if a caller''s list is longer than one call allows.';
