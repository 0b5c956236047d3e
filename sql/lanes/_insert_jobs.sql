/*
 * Store the jobs of an enqueue_many call that have no unique_key, in one statement; return the ids
 * by place in the call, null for the others.
 *
 * Nothing is sorted: rows are read and stored in the order of the call.
 */
create or replace function pgq._insert_jobs(jobs jsonb, now_at timestamptz)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
  v_backoffs constant jsonb := pgq._parse_backoffs(jobs);
  v_ids bigint[];
  v_others bigint[];
begin
  with numbered as materialized (
    select
      case when job.unique_key is null then coalesce(job.new_id, nextval('pgq.jobs_id_seq')) end
      as id,
      stored.*
    from pgq._job_rows(jobs) as job
    cross join lateral pgq._new_job(job, v_backoffs -> job.backoff, now_at) as stored
  ),
  stored as (
    insert into pgq.jobs
    select *
    from numbered
    where id is not null
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
    select queue, priority, id, task, now_at, expires_at,
      case
        when partition_key is null and v_in_turn then pgq._tenant_key(queue) else partition_key
      end
    from numbered
    where id is not null
      and depends_on is null
      and concurrency is null
      and run_at <= now_at
  ),
  put_off as (
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select id, run_at, priority, queue
    from numbered
    where id is not null
      and depends_on is null
      and concurrency is null
      and run_at > now_at
  )
  select coalesce(array_agg(id), '{}'),
    array_agg(id) filter (where depends_on is not null or concurrency is not null)
  into v_ids, v_others
  from numbered;

  perform pgq._notify_ready(v_ids);
  if v_others is not null then
    perform pgq._place_new_jobs(array_remove(v_others, null), now_at);
  end if;
  return v_ids;
end
$$;

comment on function pgq._insert_jobs is
  'Store the jobs of an enqueue_many call that have no unique_key, in one statement.';
