/*
 * The names of all options that the jobs of an enqueue_many call have. Raises unless they are an
 * array of objects with options of enqueue().
 *
 * It searches for the wrong job only if there is one, because the search takes far longer.
 */
create or replace function pgq._check_job_shapes(jobs jsonb)
  returns text[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_known jsonb;
  v_options text[];
  v_found record;
begin
  if jsonb_typeof(jobs) is distinct from 'array' then
    raise exception 'jobs are not a JSON array'
      using errcode = 'JQ001',
            hint = 'Pass [{"task": "email", "args": {"user_id": 1}}, ...].';
  end if;

  v_options := array(
    select distinct jsonb_object_keys(
      case when jsonb_typeof(job) = 'object' then job else '{"not an object": null}' end
    )
    from jsonb_array_elements(jobs) as job
  );
  if v_options <@ '{task,args,queue,declared}' then
    return v_options;
  end if;
  v_known := to_jsonb(jsonb_populate_record(null::pgq.job_options, '{}')) - 'new_id';
  if v_known ?& v_options then
    return v_options;
  end if;

  select place, jsonb_typeof(job) as kind, unknown
  into v_found
  from jsonb_array_elements(jobs) with ordinality as given (job, place)
  left join lateral (
    select key as unknown
    from jsonb_object_keys(case when jsonb_typeof(job) = 'object' then job else '{}' end) as key
    where not v_known ? key
    limit 1
  ) as other on true
  where jsonb_typeof(job) <> 'object'
    or unknown is not null
  order by place
  limit 1;
  perform pgq._raise_invalid_job(
    case
      when v_found.kind <> 'object'
      then array[format('is a JSON %s', v_found.kind), 'Pass an object with a task.']
      else array[
        format('%s is not an option', v_found.unknown),
        'A job has the options of enqueue(), under the same names.'
      ]
    end,
    format('job %s: ', v_found.place)
  );
end
$$;

comment on function pgq._check_job_shapes is
  'The names of all options that the jobs of an enqueue_many call have, or what is wrong.';
