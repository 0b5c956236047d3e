/*
 * Drop the history of whole days that ended longer ago than older_than (default: the setting
 * keep_history_for); answer how many partitions that were. Rows of such days in the default
 * partition are deleted too. Jobs that wait for a retry of one that goes end as cancelled. Waits
 * 100 ms at most for a reader of the history, then raises 55P03.
 */
create or replace function pgq.prune(older_than interval default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  v_keep constant interval := coalesce(
    prune.older_than,
    (select keep_history_for from pgq.settings)
  );
  v_before date;
  v_name text;
  v_dropped bigint := 0;
begin
  if not isfinite(v_keep) or v_keep not between interval '0' and interval '100 years' then
    raise exception 'older_than is negative, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 14 days.';
  end if;
  v_before := ((pgq._now() - v_keep) at time zone 'UTC')::date;

  for v_name in
    select partition.relname
    from pg_inherits as link
    join pg_class as partition on partition.oid = link.inhrelid
    where link.inhparent = 'pgq.job_history'::regclass
      and case
        when partition.relname ~ '^job_history_[0-9]{8}$'
        then right(partition.relname, 8)::date < v_before
      end
    order by partition.relname
  loop
    perform pgq._drop_history(v_name);
    v_dropped := v_dropped + 1;
  end loop;

  with gone as (
    delete from pgq.job_history_default
    where finished_at < v_before::timestamp at time zone 'UTC'
    returning id, state
  )
  insert into pgq.releases (parent_id, parent_succeeded)
  select id, false
  from gone
  where state <> 'succeeded'
    and (
      select true from pgq.dependencies where parent_id = gone.id and outlasts_failure limit 1
    );
  return v_dropped;
end
$$;

comment on function pgq.prune is
  'Drop the history of whole days that ended longer ago; answers how many partitions.';
