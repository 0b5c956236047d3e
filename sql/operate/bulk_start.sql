/*
 * Do something to all jobs that fit every filter given, page by page, in the background. Workers
 * do it as a part of maintain(), and bulk_work() does it without them. It starts after starts_in
 * (up to a day); until then bulk_stop() undoes it.
 *
 * action: retry, cancel, discard, reprioritise or run_now. The filters are those of find_jobs().
 * states: by default the failed jobs (retry), or all that the action can change; discard needs
 * them. at and spread are for retry: not before this time, and spread over this long. priority is
 * for reprioritise. Only jobs up to up_to_id (default: the highest there is) are changed, and no
 * job that has ended since.
 *
 * With preview it only looks, and its id is null. jobs: how many fit, counted up to 10,000;
 * is_exact: whether these are all. samples: the first three. highest_id: pass it as up_to_id to
 * start what was previewed.
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
  created_before timestamptz default null,
  headers text default null,
  error_type text default null,
  finished_before timestamptz default null,
  fingerprint text default null,
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
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_starts_in constant interval := coalesce(bulk_start.starts_in, interval '10 seconds');
  v_operation pgq.bulk_operations;
begin
  perform pgq._check_count(cardinality(bulk_start.states collate "default"), 'states');
  if not isfinite(v_starts_in) or not v_starts_in between interval '0' and interval '24 hours' then
    raise exception 'starts_in is negative or over a day'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 10 seconds.';
  end if;
  v_operation.action := bulk_start.action collate "default";
  v_operation.queue := bulk_start.queue collate "default";
  v_operation.task := bulk_start.task collate "default";
  v_operation.states := bulk_start.states collate "default";
  v_operation.unique_key := bulk_start.unique_key collate "default";
  v_operation.concurrency_key := bulk_start.concurrency_key collate "default";
  v_operation.partition_key := bulk_start.partition_key collate "default";
  v_operation.batch_id := bulk_start.batch_id;
  v_operation.created_before := bulk_start.created_before;
  v_operation.headers := pgq._parse_json(bulk_start.headers collate "default", 'headers');
  v_operation.error_type := bulk_start.error_type collate "default";
  v_operation.fingerprint := bulk_start.fingerprint collate "default";
  v_operation.finished_before := bulk_start.finished_before;
  v_operation.run_at := bulk_start.at;
  v_operation.spread := bulk_start.spread;
  v_operation.priority := bulk_start.priority;
  v_operation.last_id := 0;
  v_operation.created_at := v_now;
  v_operation.starts_at := pgq._add_interval(v_now, v_starts_in);
  v_operation.highest_id := least(
    bulk_start.up_to_id,
    (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
  );
  v_operation := pgq._check_bulk(v_operation);
  select found.jobs, found.is_exact, found.first_id, found.samples
  into v_operation.jobs, v_operation.is_exact, v_operation.first_id, bulk_start.samples
  from pgq._estimate_bulk(v_operation) as found;
  if bulk_start.preview is not true then
    v_operation.id := pgq._insert_bulk(v_operation);
    perform pgq._audit_call(
      'bulk_start', v_operation.action, operation_id => v_operation.id,
      options => pgq._bulk_filters(v_operation)
        || jsonb_build_object('states', v_operation.states, 'jobs', v_operation.jobs)
    );
  end if;
  return query
  select v_operation.id, v_operation.jobs, v_operation.is_exact, bulk_start.samples,
    v_operation.highest_id, v_operation.starts_at;
end
$$;

comment on function pgq.bulk_start is
  'Do something to all jobs that fit some filters, in the background; or say how many that are.';
