/*
 * Say what the jobs of a task get where their enqueue says nothing. Null leaves an option as it is.
 * reset takes back what this function set before, by the names of options or "all": then the task's
 * code counts again, or else the usual default. With no option at all the task becomes a known one.
 *
 * What is set here goes before what the task's code says (sync_tasks), and an argument of enqueue()
 * goes before both. Keys are templates over the args of a job, such as "account:{account_id}". A
 * job keeps what it got when it was enqueued. on_exhausted names a task, of which a job is enqueued
 * when one of this task ends as failed.
 */
create or replace function pgq.configure_task(
  task text,
  queue text default null,
  priority bigint default null,
  max_attempts bigint default null,
  backoff text default null,
  timeout interval default null,
  expires_in interval default null,
  unique_key text default null,
  on_conflict text default null,
  concurrency_key text default null,
  concurrency_limit bigint default null,
  concurrency_duration interval default null,
  concurrency_weight bigint default null,
  concurrency_on_conflict text default null,
  partition_key text default null,
  unique_while text default null,
  unique_for interval default null,
  unique_by text default null,
  concurrency_order text default null,
  on_exhausted text default null,
  reset text[] default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set intervalstyle = 'postgres'
as $$
declare
  v_options constant jsonb := jsonb_strip_nulls(jsonb_build_object(
    'queue', configure_task.queue, 'priority', configure_task.priority,
    'max_attempts', configure_task.max_attempts, 'backoff', configure_task.backoff,
    'timeout', configure_task.timeout, 'expires_in', configure_task.expires_in,
    'unique_key', configure_task.unique_key, 'on_conflict', configure_task.on_conflict,
    'concurrency_key', configure_task.concurrency_key,
    'concurrency_limit', configure_task.concurrency_limit,
    'concurrency_duration', configure_task.concurrency_duration,
    'concurrency_weight', configure_task.concurrency_weight,
    'concurrency_on_conflict', configure_task.concurrency_on_conflict,
    'concurrency_order', configure_task.concurrency_order,
    'partition_key', configure_task.partition_key, 'unique_while', configure_task.unique_while,
    'unique_for', configure_task.unique_for, 'unique_by', configure_task.unique_by,
    'on_exhausted', configure_task.on_exhausted
  ));
begin
  perform pgq._set_task_options(
    configure_task.task collate "default", v_options, configure_task.reset collate "default"
  );
  perform pgq._audit_call(
    'configure_task', configure_task.task,
    v_options || jsonb_build_object('reset', to_jsonb(configure_task.reset[1:100]))
  );
end
$$;

comment on function pgq.configure_task is
  'Say what the jobs of a task get where their enqueue says nothing; null leaves one as it is.';
