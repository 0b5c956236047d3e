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
  v_max_bytes bigint;
  v_is_strict boolean;
  v_looks_up boolean;
  v_last_id bigint;
  v_problem text[];
  v_job pgq.jobs;
begin
  select max_args_bytes, strict_tasks or strict_queues,
    get_bit(task_filter, hashtext(given.task) & 1023) = 1
  into v_max_bytes, v_is_strict, v_looks_up
  from pgq.settings;
  if v_looks_up then
    if exists (select from pgq.tasks where name = given.task and options <> '{}') then
      given := jsonb_populate_record(given, pgq._task_defaults(
        given.task, given.args, pgq._options_given(given), given.declared
      ));
    end if;
  end if;
  if given.depends_on is not null then
    v_last_id := (select last_value - (not is_called)::integer from pgq.jobs_id_seq);
  end if;
  v_problem := pgq._job_problem(given, v_last_id, v_max_bytes);
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  if v_is_strict then
    perform pgq._check_names(array[given.task], array[given.queue]);
  end if;
  if given.batch_id is not null then
    perform pgq._join_batch(given.batch_id);
  end if;
  if given.unique_by is not null and given.unique_key is null then
    given.unique_key := pgq._key_of_args(given.task, given.args);
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
      v_job, given.on_conflict, given.unique_while, given.unique_for, given.max_wait, v_now
    ) as keyed
  );
end
$$;

comment on function pgq._enqueue_job is 'What enqueue does with a job that has options.';
