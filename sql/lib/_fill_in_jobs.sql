/*
 * The jobs of an enqueue_many call with the defaults of their tasks. Null: no task of the call
 * has any. Raises for unknown names if such are refused.
 */
create or replace function pgq._fill_in_jobs(jobs jsonb, checks_names boolean default true)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_settings record;
  v_tasks text[];
  v_job record;
  v_jobs jsonb[];
  v_filled jsonb;
begin
  select strict_tasks or strict_queues as is_strict, bit_count(task_filter) > 0 as looks_up
  into v_settings
  from pgq.settings;
  if not (v_settings.is_strict or v_settings.looks_up) then
    return null;
  end if;
  v_tasks := array(select distinct job ->> 'task' from jsonb_array_elements(jobs) as job);
  v_tasks := array(
    select name from pgq.tasks where name = any(v_tasks) and options <> '{}'
  );
  if v_tasks <> '{}' then
    for v_job in
      select job, job ->> 'task' = any(v_tasks) as has_defaults, place
      from jsonb_array_elements(jobs) with ordinality as given (job, place)
      order by place
    loop
      v_jobs := v_jobs || case
        when v_job.has_defaults then v_job.job || pgq._job_defaults(v_job.job, v_job.place)
        else v_job.job
      end;
    end loop;
    v_filled := to_jsonb(v_jobs);
  end if;
  if checks_names and v_settings.is_strict then
    perform pgq._check_names(
      array_agg(distinct job ->> 'task'), array_agg(distinct job ->> 'queue')
    )
    from jsonb_array_elements(coalesce(v_filled, jobs)) as job;
  end if;
  return v_filled;
end
$$;

comment on function pgq._fill_in_jobs is
  'The jobs of an enqueue_many call with the defaults of their tasks.';
