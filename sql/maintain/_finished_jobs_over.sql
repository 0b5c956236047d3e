/*
 * Up to most (null: all) finished jobs of a day, in the order of their ids: whether they must go,
 * and whether only their results must. Without all_states it reads those that did not succeed, by
 * their index.
 */
create or replace function pgq._finished_jobs_over(
  day date,
  after_id bigint,
  all_states boolean,
  most bigint
)
  returns table (id bigint, is_over boolean, result_is_over boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  with rule as materialized (
    select kind, queue, task, before > _finished_jobs_over.day as over
    from pgq._retention_rules()
  ),
  seen as materialized (
    select past.id, past.queue, past.task, past.result is not null as has_result,
      case past.state when 'expired' then 'cancelled' else past.state end as kind
    from pgq.job_history as past
    where past.finished_at >= _finished_jobs_over.day::timestamp at time zone 'UTC'
      and past.finished_at < (_finished_jobs_over.day + 1)::timestamp at time zone 'UTC'
      and past.id > after_id
      and (all_states or past.state <> 'succeeded')
    order by past.id
    limit most
  )
  select seen.id, coalesce(of_task.over, of_queue.over, of_all.over),
    seen.has_result and coalesce(stale_task.over, stale_queue.over, stale_all.over, false)
  from seen
  left join rule as of_task
    on of_task.kind = seen.kind and of_task.task = seen.task and of_task.queue = ''
  left join rule as of_queue
    on of_queue.kind = seen.kind and of_queue.queue = seen.queue and of_queue.task = ''
  left join rule as of_all
    on of_all.kind = seen.kind and of_all.queue = '' and of_all.task = ''
  left join rule as stale_task
    on stale_task.kind = 'results' and stale_task.task = seen.task and stale_task.queue = ''
  left join rule as stale_queue
    on stale_queue.kind = 'results' and stale_queue.queue = seen.queue and stale_queue.task = ''
  left join rule as stale_all
    on stale_all.kind = 'results' and stale_all.queue = '' and stale_all.task = '';
end
$$;

comment on function pgq._finished_jobs_over is
  'Finished jobs of a day in the order of their ids, and whether they must go.';
