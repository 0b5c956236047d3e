/*
 * Raise for the first job of an enqueue_many call that has an option of the wrong type.
 *
 * It reads one option after the other, each in its own block, because an error says what is wrong
 * but not where.
 */
create or replace function pgq._raise_wrong_type(jobs jsonb, problem text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_job jsonb;
  v_place bigint := 0;
  v_problem text := problem;
begin
  for v_job in select job from jsonb_array_elements(jobs) as given (job) loop
    v_place := v_place + 1;
    begin
      perform * from pgq._job_rows(jsonb_build_array(v_job));
    exception
      when data_exception then
        v_problem := sqlerrm;
        exit;
    end;
  end loop;
  perform pgq._raise_invalid_job(
    array[
      format('has an option of the wrong type: %s', v_problem),
      'Numbers are integers; times and intervals are text such as "10 minutes".'
    ],
    format('job %s: ', v_place), v_job ->> 'task'
  );
end
$$;

comment on function pgq._raise_wrong_type is
  'Raise for the first job of an enqueue_many call that has an option of the wrong type.';
