/*
 * Return the rows of metrics() about workers, schedules, semaphores, the history and the schema.
 */
create or replace function pgq._house_metrics(now_at timestamptz)
  returns table (family text, labels jsonb, value double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'workers', jsonb_build_object('status', said.status),
    count(worker.id)::double precision
  from unnest(array['idle', 'busy', 'pause', 'stop', 'silent']) as said (status)
  left join pgq.worker_status as worker on worker.status = said.status
  group by said.status
  union all
  select 'worker_slots', '{}', coalesce(sum(worker.concurrency), 0)
  from pgq.workers as worker
  where now_at - worker.heartbeat_at <= worker.lease
  union all
  select 'schedules', jsonb_build_object('status', said.status), count(schedule.name)
  from unnest(array['active', 'paused', 'broken']) as said (status)
  left join pgq.schedules as schedule
    on said.status = case
      when schedule.problem is not null then 'broken'
      when schedule.paused_at is not null then 'paused'
      else 'active'
    end
  group by said.status
  union all
  select 'schedule_late_seconds', '{}',
    coalesce(greatest(extract(epoch from max(now_at - schedule.next_run_at)), 0), 0)
  from pgq.schedules as schedule
  where schedule.paused_at is null
  union all
  select 'history_retention_seconds', '{}', extract(epoch from pgq._longest_retention())
  union all
  select 'history_overdue_partitions', '{}', count(*)
  from pgq._history_partitions() as past
  where (past.day + 1)::timestamp at time zone 'UTC'
    < pgq._add_interval(now_at, -(select pgq._longest_retention())) - interval '2 hours'
  union all
  select 'enqueued', '{}',
    (last_value - known.seqstart) / known.seqincrement + is_called::integer
  from pgq.jobs_id_seq
  cross join pg_sequence as known
  where known.seqrelid = 'pgq.jobs_id_seq'::regclass
  union all
  select 'statistics_lag_seconds', '{}', greatest(extract(epoch from now_at - known.due_at), 0)
  from pgq.maintenance as known
  where known.step = 'statistics'
    and isfinite(known.due_at)
  union all
  select 'info',
    jsonb_build_object('version', pgq.version(), 'protocol', pgq._protocol()::text), 1;
end
$$;

comment on function pgq._house_metrics is
  'Return the rows of metrics() about workers, schedules, the history and the schema.';
