/*
 * What enqueue does with a job that has options.
 */
create or replace function pgq._enqueue_job(given pgq.job_options)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_last_id bigint;
  v_problem text[];
  v_job pgq.jobs;
begin
  if given.depends_on is not null then
    v_last_id := (select last_value - (not is_called)::integer from pgq.jobs_id_seq);
  end if;
  v_problem := pgq._job_problem(given, v_last_id, v_max_bytes);
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  if given.batch_id is not null then
    perform pgq._join_batch(given.batch_id);
  end if;

  select null, stored.*
  into v_job
  from pgq._new_job(given, pgq._parse_backoff(given.backoff), v_now) as stored;
  if v_job.unique_key is null then
    return pgq._insert_job(v_job, v_now);
  end if;
  return (
    select keyed.id
    from pgq._upsert_keyed_job(
      v_job, given.on_conflict, given.unique_while, given.unique_for, v_now
    ) as keyed
  );
end
$$;

comment on function pgq._enqueue_job is 'What enqueue does with a job that has options.';
