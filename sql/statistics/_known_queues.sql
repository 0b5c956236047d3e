/*
 * The queues in use, which are these and those with ready jobs, and the configured ones, each under
 * its name: the first 500 under their own, all others as (other).
 */
create or replace function pgq._known_queues(used text[])
  returns table (queue text, name text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select seen.queue,
    case
      when row_number() over (order by min(seen.place), seen.queue) <= 500 then seen.queue
      else '(other)'
    end
  from (
    select unnest(used), 1
    union all
    select lane, 1 from pgq._ready_queues() as lane
    union all
    select configured.name, 2 from pgq.queues as configured
  ) as seen (queue, place)
  group by seen.queue;
end
$$;

comment on function pgq._known_queues is
  'The queues in use and the configured ones, and their names.';
