/*
 * Read one of the follow-up jobs of a batch. Raises for what enqueue() would refuse, and for
 * options that could make its enqueue fail when the batch finishes.
 */
create or replace function pgq._read_batch_callback(job text, place text)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_job constant jsonb := nullif(pgq._parse_json(job, place), 'null');
  v_option text;
begin
  if v_job is null then
    return null;
  end if;
  if jsonb_typeof(v_job) <> 'object' then
    perform pgq._raise_invalid_job(array[
      format('%s is a JSON %s', place, jsonb_typeof(v_job)), 'Pass an object with a task.'
    ]);
  end if;
  foreach v_option in array array['unique_key', 'unique_by', 'depends_on', 'batch_id', 'ref'] loop
    if v_job ->> v_option is not null then
      perform pgq._raise_invalid_job(array[
        format('%s has the option %s', place, v_option),
        'Leave it out: a follow-up job of a batch cannot have it.'
      ]);
    end if;
  end loop;
  perform pgq._check_job_shapes(jsonb_build_array(v_job));
  perform pgq._check_jobs(jsonb_build_array(v_job));
  perform pgq._parse_backoff(v_job ->> 'backoff');
  -- It has the defaults of its task as they are now. When the batch finishes, nothing may fail.
  return coalesce(pgq._fill_in_jobs(jsonb_build_array(v_job)) -> 0, v_job)
    - '{unique_key,unique_by,unique_while,unique_for,on_conflict}'::text[];
exception
  when sqlstate 'JQ001' then
    if strpos(sqlerrm, place) = 1 then
      raise;
    end if;
    perform pgq._raise_invalid_job(array[
      format('%s: %s', place, regexp_replace(sqlerrm, '^job 1: ', '')),
      'Use the options of enqueue(), under the same names.'
    ]);
end
$$;

comment on function pgq._read_batch_callback is 'Read one of the follow-up jobs of a batch.';
