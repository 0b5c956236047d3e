/*
 * Run jobs again, or sooner. A job that failed, was cancelled or expired gets at least one more
 * attempt. A job that waits for its time becomes due at the given time (default: now).
 *
 * Answers per job: retried; running; succeeded (nothing is changed); duplicate, if another live job
 * owns its unique_key; not_found; passed_over, if it is in none of the given states; busy, if
 * another session is changing it.
 */
create or replace function pgq.retry(
  ids bigint[],
  at timestamptz default null,
  states text[] default null
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_at constant timestamptz := greatest(coalesce(retry.at, v_now), v_now);
  v_jobs bigint[];
  v_outcomes text[];
begin
  perform pgq._check_count(cardinality(retry.ids), 'ids');
  perform pgq._check_count(cardinality(retry.states collate "default"), 'states');
  if not v_at between v_now and timestamptz '9998-01-01 00:00+00' then
    raise exception 'at is out of range'
      using errcode = 'JQ002',
            hint = 'Pass a time before the year 9998.';
  end if;
  select array_agg(done.job_id), array_agg(done.outcome)
  into v_jobs, v_outcomes
  from pgq._retry_jobs(retry.ids, v_at, retry.states collate "default") as done;
  perform pgq._audit_jobs('retry', v_jobs, v_outcomes, '{retried}', jsonb_build_object(
    'states', to_jsonb(retry.states),
    'at', to_char(retry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  ));
  return query select * from unnest(v_jobs, v_outcomes);
end
$$;

comment on function pgq.retry is
  'Run failed, cancelled or expired jobs again, or waiting ones sooner; answers per job.';
