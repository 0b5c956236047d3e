/*
 * The jobs that a claimed job waits for, as _insert_jobs takes them: with the defaults of their
 * tasks, without keys, and in the batch of the job. Raises for what cannot be waited for.
 */
create or replace function pgq._new_parents(jobs jsonb, waits pgq.jobs)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_left_out constant text[] := '{unique_key,unique_by,depends_on,batch_id,ref}';
  v_found record;
begin
  if jsonb_array_length(jobs) = 0 then
    raise exception 'there are no jobs to wait for'
      using errcode = 'JQ002',
            hint = 'Pass at least one, or go on without waiting.';
  end if;
  if jsonb_array_length(jobs) + coalesce(cardinality(waits.depends_on), 0) > 10000 then
    raise exception 'the job would have more than 10000 parents'
      using errcode = 'JQ002',
            hint = 'Enqueue fewer jobs, each with more to do.';
  end if;
  if waits.concurrency ? 'order' then
    raise exception 'a job in strict order cannot wait for new jobs'
      using errcode = 'JQ002',
            hint = 'It would keep its key meanwhile. Let a job without concurrency_order wait.';
  end if;
  select place, option
  into v_found
  from jsonb_array_elements(jobs) with ordinality as given (job, place)
  cross join unnest(v_left_out) as option
  where job ->> option is not null
  order by place
  limit 1;
  if found then
    perform pgq._raise_invalid_job(
      array[
        format('has the option %s', v_found.option),
        'Leave it out: a job that is waited for is new, and in the batch of the one that waits.'
      ],
      format('job %s: ', v_found.place)
    );
  end if;
  return (
    select jsonb_agg(
      filled - array['unique_key', 'unique_by', 'unique_while', 'unique_for', 'on_conflict',
        'max_wait'] || jsonb_build_object('batch_id', waits.batch_id)
    )
    from jsonb_array_elements(coalesce(pgq._fill_in_jobs(jobs), jobs)) as filled
  );
end
$$;

comment on function pgq._new_parents is
  'The jobs that a claimed job waits for, as _insert_jobs takes them.';
