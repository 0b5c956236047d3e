/*
 * A key from a template such as "account:{account_id}" and the arguments of a job. Null: one of
 * them is null, and the job has no such key. Raises if one of them is missing, because a job
 * without its key would run beside those from which the key should keep it apart.
 */
create or replace function pgq._key_of_template(template text, named_args jsonb, what text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_part record;
  v_kind text;
  v_key text := '';
begin
  for v_part in select * from pgq._template_parts(template) loop
    v_kind := jsonb_typeof(named_args -> v_part.name);
    if v_part.name is null then
      v_key := v_key || v_part.plain;
    elsif v_kind = 'null' then
      return null;
    elsif v_kind in ('string', 'number', 'boolean') then
      v_key := v_key || (named_args ->> v_part.name);
    else
      perform pgq._raise_invalid_job(array[
        format(
          '%s is the template "%s", and the args have %s', what, pgq._shorten(template),
          case
            when v_kind is null then 'no ' || pgq._shorten(v_part.name)
            else format('a JSON %s as %s', v_kind, pgq._shorten(v_part.name))
          end
        ),
        format(
          'Pass it in args, or pass %s itself; configure_task() changes the template.',
          split_part(what, ' ', 1)
        )
      ]);
    end if;
  end loop;
  return v_key;
end
$$;

comment on function pgq._key_of_template is 'A key from a template and the arguments of a job.';
