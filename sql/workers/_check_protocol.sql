/*
 * Refuse a client whose protocol does not fit this schema. Otherwise it would fail later, while it
 * runs a job.
 */
create or replace function pgq._check_protocol(protocol bigint)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ours constant bigint := pgq._protocol();
begin
  if protocol > v_ours then
    raise exception 'the client speaks protocol %, this schema %', protocol, v_ours
      using errcode = 'JQ008',
            hint = 'Upgrade the schema first, with pgq migrate; then start the client.';
  elsif protocol < v_ours - 1 then
    raise exception 'the client speaks protocol %, this schema % and %',
      protocol, v_ours, v_ours - 1
      using errcode = 'JQ008',
            hint = 'Install a newer client, for Python: pip install -U pgq-sql.';
  end if;
end
$$;

comment on function pgq._check_protocol is 'Refuse a client that does not fit this schema.';
