/*
 * Return the queues in use and the configured ones, with the name that each is shown under. In use
 * are these queues, and those with ready jobs.
 *
 * The first 500 keep their own names; the others are shown as (other).
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
  'Return the queues in use and the configured ones, with the names to show.';
