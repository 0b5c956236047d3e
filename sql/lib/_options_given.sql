/*
 * The names of the options that a job was given.
 */
create or replace function pgq._options_given(given pgq.job_options)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- They may be large, and no task has them.
  given.args := null;
  given.headers := null;
  return array(select key from jsonb_each(to_jsonb(given)) where value <> 'null');
end
$$;

comment on function pgq._options_given is 'The names of the options that a job was given.';
