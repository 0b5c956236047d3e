/*
 * A queue that is there already is not made again: it can be adopted.
 */
do $$
begin
  if pg_catalog.to_regclass('pgq.jobs') is not null then
    raise exception 'schema pgq already holds a queue'
      using errcode = 'JQ005',
            hint = 'To make an extension of it: pgq adopt, or create extension pgq_sql version '
              '''unpackaged''; alter extension pgq_sql update;';
  end if;
end
$$;
