/*
 * Return the names of queues, to choose from: of those with ready or running jobs, those that are
 * configured or were counted in the last days, and those of the first thousand jobs that are
 * scheduled and that are blocked. The number of jobs does not matter.
 *
 * max_queues: from 1 to 10000.
 */
create or replace function pgq.queue_names(max_queues bigint default 500)
  returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
begin
  if queue_names.max_queues is null or queue_names.max_queues not between 1 and 10000 then
    raise exception 'max_queues is not between 1 and 10000'
      using errcode = 'JQ002',
            hint = 'Leave it out, or pass such a number.';
  end if;
  return query
  select named.queue from (
    select lane as queue from pgq._ready_queues() as lane
    union
    select running.queue from pgq.running
    union
    select name from pgq.queues
    union
    select series.queue from pgq.stat_series as series
    union
    select found.queue from (select scheduled.queue from pgq.scheduled limit 1000) as found
    union
    select found.queue from (select blocked.queue from pgq.blocked limit 1000) as found
  ) as named
  order by named.queue
  limit queue_names.max_queues;
end
$$;

comment on function pgq.queue_names is
  'Return the names of queues that have jobs, had some, or are configured.';
