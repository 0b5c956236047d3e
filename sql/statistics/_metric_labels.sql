/*
 * Return the labels for the statistics of each queue and task. The 200 pairs with the most jobs
 * (queues, if tasks is false) have their names, each at a place of its own. The others are
 * (other), at place 201.
 *
 * The order is that of the totals, because they seldom change places. A pair that moves takes its
 * count along, and then both counters look as if they had been reset.
 */
create or replace function pgq._metric_labels(tasks boolean)
  returns table (queue text, task text, place bigint, labels jsonb)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with pairs as (
    select total.queue, total.task, case when tasks then total.task else '' end as shown,
      sum(total.jobs::double precision) as jobs
    from pgq.stat_totals as total
    group by total.queue, total.task
  ),
  ranked as (
    select queue, shown,
      least(row_number() over (order by sum(jobs) desc, queue, shown), 201) as place
    from pairs
    group by queue, shown
  )
  select pairs.queue, pairs.task, ranked.place,
    case
      when ranked.place <= 200 and tasks
      then jsonb_build_object('queue', pairs.queue, 'task', pairs.task)
      when ranked.place <= 200 then jsonb_build_object('queue', pairs.queue)
      when tasks then '{"queue": "(other)", "task": "(other)"}'
      else '{"queue": "(other)"}'
    end
  from pairs
  join ranked using (queue, shown);
end
$$;

comment on function pgq._metric_labels is
  'Return the labels for the statistics of each queue and task.';
