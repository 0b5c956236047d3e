/*
 * Turn what a driver sent into jsonb: JSON as text or json or jsonb, or any SQL value, rows too.
 */
create or replace function pgq._to_json(value anycompatible, what text)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_typeof(value) in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'json'::regtype)
  then
    return pgq._parse_json(value::text, what);
  end if;
  return to_jsonb(value);
end
$$;

comment on function pgq._to_json is 'Turn what a driver sent into jsonb.';
