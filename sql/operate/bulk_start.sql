/*
 * Do something to all jobs that fit every given filter, page by page, in the background. Workers
 * do it as a part of maintain(); bulk_work() does it without them. It starts after starts_in (up
 * to a day). Until then, bulk_stop() undoes it.
 *
 * action: retry, cancel, discard, reprioritise, run_now or redrive. The filters are those of
 * list_jobs(): with the same filters, it changes all jobs that the list shows. redrive takes the
 * waiting dead letters among them, and leaves other jobs alone. states: the default is the
 * failed jobs for retry, and for others all that the action can change; discard has no default. at
 * and spread are for retry: the jobs run at this time or later, spread over this long. priority is
 * for reprioritise. Jobs after up_to_id (default: the highest id) are not changed, and no job that
 * ended after this call.
 *
 * With preview it changes nothing, and the id is null. jobs says how many jobs fit, counted up to
 * 10,000, and is_exact whether these are all. samples has the first three. To start exactly what
 * you previewed, pass its highest_id as up_to_id.
 */
create or replace function pgq.bulk_start(
  action text,
  queue text default null,
  task text default null,
  states text[] default null,
  unique_key text default null,
  concurrency_key text default null,
  partition_key text default null,
  batch_id bigint default null,
  worker_id bigint default null,
  error_type text default null,
  fingerprint text default null,
  headers text default null,
  args text default null,
  created_after timestamptz default null,
  created_before timestamptz default null,
  finished_after timestamptz default null,
  finished_before timestamptz default null,
  at timestamptz default null,
  spread interval default null,
  priority bigint default null,
  starts_in interval default '10 seconds',
  up_to_id bigint default null,
  preview boolean default false
)
  returns table (
    id bigint, jobs bigint, is_exact boolean, samples bigint[], highest_id bigint,
    starts_at timestamptz
  )
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_now constant timestamptz := pgq._now();
  v_starts_in constant interval := coalesce(starts_in, interval '10 seconds');
  v_operation pgq.bulk_operations;
begin
  perform pgq._check_count(cardinality(states collate "default"), 'states');
  if not isfinite(v_starts_in) or not v_starts_in between interval '0' and interval '24 hours' then
    raise exception 'starts_in is negative or over a day'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 10 seconds.';
  end if;
  v_operation.action := action collate "default";
  v_operation.run_at := at;
  v_operation.spread := spread;
  v_operation.priority := priority;
  v_operation.last_id := 0;
  v_operation.created_at := v_now;
  v_operation.starts_at := pgq._add_interval(v_now, v_starts_in);
  v_operation.highest_id := least(
    up_to_id,
    (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
  );
  v_operation.wanted := pgq._job_filters(
    queue collate "default", task, pgq._check_bulk(v_operation, states collate "default"),
    unique_key, concurrency_key, partition_key, batch_id, worker_id, error_type, fingerprint,
    headers, args, created_after, created_before, finished_after, finished_before
  );
  if cardinality((v_operation.wanted).states) = 0 then
    raise exception 'with finished_after or finished_before no state is left that % changes', action
      using errcode = 'JQ002',
            hint = 'Leave it out, or choose jobs that have ended.';
  end if;
  select found.jobs, found.is_exact, found.first_id, found.samples
  into v_operation.jobs, v_operation.is_exact, v_operation.first_id, bulk_start.samples
  from pgq._estimate_bulk(v_operation) as found;
  if bulk_start.preview is not true then
    v_operation.id := pgq._insert_bulk(v_operation);
    perform pgq._audit_call(
      'bulk_start', v_operation.action, operation_id => v_operation.id,
      options => pgq._bulk_filters(v_operation.wanted)
        || jsonb_build_object('states', (v_operation.wanted).states, 'jobs', v_operation.jobs)
    );
  end if;
  return query
  select v_operation.id, v_operation.jobs, v_operation.is_exact, bulk_start.samples,
    v_operation.highest_id, v_operation.starts_at;
end
$$;

comment on function pgq.bulk_start is
  'Do something to all jobs that fit some filters, in the background; or count them.';
