/*
 * Give pairs of queue and task, and queues, a row of their own in the totals, those with most jobs
 * first, while there is one for them.
 */
create or replace function pgq._give_places(counted pgq.stat_deltas[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  c_places constant bigint := 200;
begin
  insert into pgq.stat_totals (queue, task)
  select new.queue, new.task
  from (
    select kind.queue, kind.task,
      row_number() over (
        partition by kind.task = '' order by sum(one.jobs) desc, kind.queue, kind.task
      ) as number
    from unnest(counted) as one
    cross join lateral (values (one.queue, one.task), (one.queue, '')) as kind (queue, task)
    where not exists (
      select from pgq.stat_totals as known
      where known.queue = kind.queue and known.task = kind.task
    )
    group by kind.queue, kind.task
  ) as new
  where new.number <= c_places - (
    select count(*) from pgq.stat_totals as known
    where known.queue not in ('', '(other)') and (known.task = '') = (new.task = '')
  );
end
$$;

comment on function pgq._give_places is
  'Give pairs of queue and task, and queues, a row of their own in the totals.';
