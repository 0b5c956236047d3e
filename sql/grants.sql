/*
 * Who may do what. Safe to run again: after an upgrade, or when somebody has created the roles that
 * the installer could not.
 *
 * Roles belong to the whole server: existing ones are used as they are, and one that cannot be
 * created is skipped with a warning. They build on each other nowhere: grant a login those it
 * needs.
 */
do $$
declare
  v_grant record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  -- PUBLIC keeps nothing, and nobody anything that default privileges gave on a new object: global
  -- ones cannot be taken back for one schema. What an administrator granted later stays.
  for v_grant in
    select kind, name, string_agg(distinct coalesce(quote_ident(rolname), 'public'), ', ') as roles
    from (
      select 'schema', oid::regnamespace::text, 'pg_namespace'::regclass::oid, oid,
        nspacl, nspowner, 'n'::"char"
      from pg_namespace
      where oid = to_regnamespace('pgq')
      union all
      select case relkind when 'S' then 'sequence' else 'table' end, oid::regclass::text,
        'pg_class'::regclass, oid,
        relacl, relowner, (case relkind when 'S' then 's' else 'r' end)::"char"
      from pg_class
      where relnamespace = to_regnamespace('pgq')
        and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      union all
      select 'routine', oid::regprocedure::text, 'pg_proc'::regclass, oid, proacl, proowner, 'f'
      from pg_proc
      where pronamespace = to_regnamespace('pgq')
      union all
      -- A role that may use a row type may make a column of it, and then the table cannot change.
      select 'type', oid::regtype::text, 'pg_type'::regclass, oid, typacl, typowner, 'T'
      from pg_type
      where typnamespace = to_regnamespace('pgq')
        and typelem = 0
        and typtype <> 'm'
    ) as object (kind, name, classid, objid, acl, owner, acl_kind)
    cross join aclexplode(coalesce(acl, acldefault(acl_kind, owner))) as entry
    left join pg_roles on pg_roles.oid = entry.grantee
    where entry.grantee <> owner
      and (
        entry.grantee = 0
        or classid || '/' || objid
          <> all(nullif(current_setting('pgq_install.objects', true), '')::text[])
      )
    group by kind, name
  loop
    execute format(
      'revoke all on %s %s from %s cascade', v_grant.kind, v_grant.name, v_grant.roles
    );
  end loop;
  perform set_config('pgq_install.objects', '', true);
end
$$;

do $$
declare
  v_role text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  foreach v_role in array array[
    'pgq_producer', 'pgq_worker', 'pgq_operator', 'pgq_observer', 'pgq_monitor'
  ] loop
    continue when to_regrole(quote_ident(v_role)) is not null;
    begin
      execute format('create role %I nologin', v_role);
    exception
      when insufficient_privilege then
        raise warning 'skipped role %: it is missing and may not be created here', v_role
          using hint = 'Let somebody with CREATEROLE create it, then run pgq migrate again.';
      when duplicate_object or unique_violation then
        null;  -- another installer on this server was faster
    end;
  end loop;
end
$$;

do $$
declare
  v_grant record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  for v_grant in
    select role, kind, names
    from (
      values
        ('pgq_producer', 'function', array[
          'create_batch', 'close_batch', 'batch_progress', 'results', 'await_jobs', 'await_batch',
          'enqueue', 'enqueue_many', 'enqueue_trigger', 'result', 'parent_results', 'version',
          'publish', 'publish_trigger',
          'unique_key_owner', 'cron_next', 'cron_preview', 'shard_map', 'shard_slot', 'shard_check',
          '_to_json', '_parse_json', '_shorten', '_enqueue', '_enqueue_many', '_publish']),
        ('pgq_worker', 'function', array[
          'create_batch', 'close_batch', 'batch_progress', 'results', 'await_jobs', 'await_batch',
          'enqueue', 'enqueue_many', 'enqueue_trigger', 'result', 'parent_results', 'version',
          'publish', 'publish_trigger', 'subscribe', 'unsubscribe',
          'unique_key_owner', 'register_worker', 'deregister_worker', 'heartbeat', 'claim_batch',
          'workers_beside', 'idle_turn',
          'is_cancelled',
          'complete_batch', 'fail_batch', 'snooze_batch', 'release_batch',
          'release_unanswered', 'set_progress', 'continue_after',
          'promote_due', 'connection_budget',
          'rescue_lost_workers', 'report_lost_worker', 'maintain', 'fire_due_schedules',
          'sync_schedules', 'sync_tasks', 'cron_next',
          'cron_preview', 'shard_map', 'shard_slot', 'shard_check',
          '_to_json', '_parse_json', '_shorten', '_enqueue', '_enqueue_many', '_publish',
          '_sync_schedules']),
        ('pgq_operator', 'function', array[
          'close_batch', 'batch_progress', 'results', 'await_jobs', 'await_batch',
          'cancel', 'is_cancelled', 'retry', 'redrive', 'discard', 'reprioritise', 'find_jobs',
          'count_jobs', 'list_jobs', 'estimate_jobs', 'due_jobs', 'job_attempts', 'job_content',
          'why_waiting', 'list_batches', 'list_semaphores', 'list_past_workers',
          'run_now', 'enqueue_again', 'prune_schedule_history', 'queue_latency',
          'bulk_start', 'bulk_stop', 'bulk_status', 'bulk_work',
          'depths', 'queue_names', 'error_groups', 'error_history', 'depth_history', 'flow_graph',
          'metrics',
          'metric_series', 'stats', 'task_stats', 'queue_activity', 'task_activity', 'run_times',
          'marks', 'add_mark', 'reset_statistics',
          'follow_outcomes', 'outcomes_since',
          'pause_queue', 'resume_queue', 'pause_task', 'resume_task', 'clear_queue', 'configure',
          'configure_semaphore', 'pause_semaphore', 'resume_semaphore', 'release_semaphore',
          'parent_results',
          'unique_key_owner', 'release_unique_key', 'audit_log',
          'configure_queue', 'configure_task', 'configure_retention', 'forget_task', 'task_options',
          'order_worker', 'report_lost_worker', 'prune', 'prune_preview', 'promote_due',
          'rescue_lost_workers',
          'health', 'connection_budget', 'shard_init', 'shard_assign', 'shard_spread', 'shard_left',
          'shard_map', 'shard_slot',
          'maintain', 'verify', 'result', 'version', '_now', '_queue_counts', '_bucket_tokens',
          'schedule', 'unschedule', 'pause_schedule', 'resume_schedule', 'run_schedule_now',
          'fire_due_schedules', 'sync_schedules', 'sync_tasks', 'cron_next', 'cron_preview',
          'subscribe', 'unsubscribe', 'start_cron', 'stop_cron',
          '_to_json', '_parse_json', '_shorten', '_schedule', '_sync_schedules']),
        ('pgq_operator', 'table', array[
          'all_jobs', 'batch_status', 'blocked_jobs', 'failed_jobs', 'job_links', 'queue_stats',
          'queue_settings', 'task_settings', 'retention_settings', 'queue_limits',
          'semaphore_status', 'worker_status', 'schedule_status', 'schedule_history', 'job_states',
          'schedule_states', 'subscriptions', 'pause_status']),
        ('pgq_producer', 'table', array['schema_version']),
        ('pgq_worker', 'table', array['schema_version']),
        ('pgq_operator', 'table', array['schema_version']),
        ('pgq_observer', 'table', array['schema_version']),
        ('pgq_monitor', 'table', array['schema_version']),
        ('pgq_observer', 'function', array[
          'batch_progress', 'results', 'health', 'connection_budget',
          'result', 'parent_results', 'version', 'unique_key_owner', 'cron_next', 'cron_preview',
          'list_jobs', 'estimate_jobs', 'due_jobs', 'job_attempts', 'job_content', 'why_waiting',
          'list_batches', 'list_semaphores', 'list_past_workers', 'prune_preview',
          'is_cancelled', 'count_jobs', 'bulk_status', 'depths', 'queue_names', 'error_groups',
          'depth_history', 'error_history', 'stats', 'task_stats', 'queue_activity',
          'task_activity', 'run_times', 'marks',
          'audit_log', 'flow_graph', 'metrics', 'metric_series', 'task_options',
          'follow_outcomes', 'outcomes_since',
          'queue_latency', 'shard_map', 'shard_slot', 'shard_left', '_now', '_queue_counts',
          '_bucket_tokens']),
        ('pgq_observer', 'table', array[
          'all_jobs', 'batch_status', 'blocked_jobs', 'failed_jobs', 'job_links', 'queue_stats',
          'queue_settings', 'task_settings', 'retention_settings', 'queue_limits',
          'semaphore_status', 'worker_status', 'schedule_status', 'schedule_history', 'job_states',
          'schedule_states', 'subscriptions', 'pause_status']),
        -- Nothing that tells what a job carries, or what is made of it, such as a key.
        ('pgq_monitor', 'function', array[
          'version', 'health', 'connection_budget', 'queue_latency', 'count_jobs', 'is_cancelled',
          'depths', 'queue_names', 'depth_history', 'metrics', 'metric_series', 'flow_graph',
          'list_jobs', 'estimate_jobs', 'due_jobs', 'job_attempts', 'why_waiting',
          'list_batches', 'list_past_workers', 'prune_preview',
          'stats', 'task_stats', 'queue_activity', 'task_activity', 'run_times', 'marks',
          'follow_outcomes', 'outcomes_since',
          'batch_progress', 'cron_next', 'cron_preview', '_now', '_queue_counts',
          '_bucket_tokens']),
        ('pgq_monitor', 'table', array[
          'job_states', 'queue_limits', 'queue_settings', 'queue_stats', 'schedule_states',
          'worker_status'])
    ) as wanted (role, kind, names)
    where to_regrole(quote_ident(role)) is not null
  loop
    execute format('grant usage on schema pgq to %I', v_grant.role);
    execute format(
      'grant %s %s to %I',
      case v_grant.kind when 'function' then 'execute on function' else 'select on' end,
      (select string_agg(format('pgq.%I', name), ', ') from unnest(v_grant.names) as name),
      v_grant.role
    );
  end loop;
end
$$;

-- Roles that came since the install bring their grants along. (Nothing is known during an install.)
do $$
begin
  perform pgq._note_installed(only_new_roles => true);
end
$$;
