/*
 * The history's partitions of this week, so that a fresh install has nothing to catch up with. In
 * an extension's script they would be its members, which nobody could drop and no dump would have:
 * there the first maintain() makes them.
 */
do $$
begin
  if not exists (
    select
    from pg_catalog.pg_depend
    where classid = 'pg_catalog.pg_class'::regclass
      and objid = 'pgq.jobs'::regclass
      and deptype = 'e'
  ) then
    perform pgq._make_history_partitions(7, 30);
  end if;
end
$$;
