/*
 * How many sessions the server lets ordinary users open, how many are open, and how many more the
 * living workers may open: each worker up to its concurrency, for handlers with their own
 * transactions. Workers call this when they start.
 */
create or replace function pgq.connection_budget()
  returns table (available bigint, used bigint, may_come bigint)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select current_setting('max_connections')::bigint
      - current_setting('superuser_reserved_connections')::bigint
      - coalesce(current_setting('reserved_connections', true)::bigint, 0),
    (
      select count(*)
      from pg_stat_activity
      where datid is not null
        and coalesce(backend_type, 'client backend') = 'client backend'
    ),
    (select coalesce(sum(concurrency), 0) from pgq._living_workers(pgq._now(), null))
$$;

comment on function pgq.connection_budget is
  'How many sessions the server allows, how many there are, and how many workers may add.';
