/*
 * Check the filters of a search, and fill in the states: all of them, or the finished ones if the
 * search has a time of the end.
 */
create or replace function pgq._job_filters(
  queue text,
  task text,
  states text[],
  unique_key text,
  concurrency_key text,
  partition_key text,
  batch_id bigint,
  worker_id bigint,
  error_type text,
  fingerprint text,
  headers text,
  args text,
  created_after timestamptz,
  created_before timestamptz,
  finished_after timestamptz,
  finished_before timestamptz
)
  returns pgq.job_filters
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_live constant text[] := array['scheduled', 'blocked', 'ready', 'running'];
  v_past constant text[] := array['succeeded', 'failed', 'cancelled', 'expired'];
  v_states text[] := coalesce(states, v_live || v_past);
begin
  perform pgq._check_count(cardinality(states), 'states');
  if not v_states <@ (v_live || v_past) then
    raise exception 'states names no state'
      using errcode = 'JQ002',
            hint = format('Pass some of %s.', v_live || v_past);
  end if;
  if num_nonnulls(
      unique_key, concurrency_key, partition_key, error_type, fingerprint, headers, args
    ) > 0 and not pgq._sees_contents()
  then
    raise exception 'jobs are searched by what they carry'
      using errcode = '42501',
            hint = 'Ask as an observer, or leave out keys, errors, headers and args.';
  end if;
  if num_nonnulls(finished_after, finished_before) > 0 then
    v_states := array(
      select state from unnest(v_past) as state where state = any(v_states));
  end if;
  return row(
    queue, task, v_states, unique_key, concurrency_key, partition_key, batch_id, worker_id,
    error_type, fingerprint, pgq._parse_json(headers, 'headers'), pgq._parse_json(args, 'args'),
    created_after, created_before, finished_after, finished_before
  )::pgq.job_filters;
end
$$;

comment on function pgq._job_filters is 'Check the filters of a search, and fill in the states.';
