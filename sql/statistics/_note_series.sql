/*
 * Note that these pairs of queue and task were counted today, the busiest first. There is room for
 * a thousand pairs a day, so names of tasks that contain an id cannot fill the disk.
 */
create or replace function pgq._note_series(counted pgq.stat_deltas[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant bigint := 1000;
  v_today constant date := (pgq._now() at time zone 'UTC')::date;
begin
  if not exists (
    select
    from unnest(counted) as one
    where not exists (
      select from pgq.stat_series as series
      where series.queue = one.queue and series.task = one.task and series.last_day >= v_today
    )
  ) then
    return;
  end if;

  insert into pgq.stat_series (queue, task, last_day)
  select one.queue, one.task, v_today
  from unnest(counted) as one
  where not exists (
    select from pgq.stat_series as series
    where series.queue = one.queue and series.task = one.task and series.last_day >= v_today
  )
  group by one.queue, one.task
  order by sum(one.jobs) desc, one.queue, one.task
  limit c_most - (
    select count(*) from (
      select from pgq.stat_series where last_day >= v_today limit c_most
    ) as today
  )
  on conflict on constraint stat_series_pkey do update set last_day = excluded.last_day;
end
$$;

comment on function pgq._note_series is
  'Note that these pairs of queue and task were counted today, while there is room.';
