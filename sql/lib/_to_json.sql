/*
 * Convert what a driver sent to jsonb: JSON as text, json or jsonb, or any SQL value, also a row.
 *
 * A value's type may bring code of the role that made it: casts, domain checks, output functions.
 * So this runs with its caller's rights, and no function with the owner's rights calls it.
 */
create or replace function pgq._to_json(value anycompatible, what text)
  returns jsonb
  language plpgsql
  stable
as $$
begin
  if pg_catalog.pg_typeof(value) operator(pg_catalog.=) any (
    '{pg_catalog.text, pg_catalog.varchar, pg_catalog.bpchar, pg_catalog.json}'
      ::pg_catalog.regtype[]
  )
  then
    return pgq._parse_json(value::pg_catalog.text, what);
  end if;
  return pg_catalog.to_jsonb(value);
end
$$;

comment on function pgq._to_json is 'Convert what a driver sent to jsonb.';
