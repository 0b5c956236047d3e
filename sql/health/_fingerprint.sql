/*
 * What the schema consists of, a row per object and per grant: read at once from the catalog and
 * from the few rows that the installer made. It leaves out texts that differ between servers or by
 * the schema's name.
 */
create or replace function pgq._fingerprint()
  returns table (kind text, name text, digest text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set intervalstyle = postgres
  set bytea_output = hex
  set quote_all_identifiers = off
  set jit = off
as $$
declare
  v_own constant oid := (
    select jobs.relnamespace from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
  );
begin
  return query select * from pgq._current_functions(v_own);
  return query select * from pgq._current_tables(v_own);
  return query select * from pgq._current_indexes(v_own);
  return query select * from pgq._current_rules(v_own);
  return query select * from pgq._current_rows();
  return query select 'grant', seen.words, '' from pgq._current_grants(v_own) as seen;
end
$$;

comment on function pgq._fingerprint is
  'What the schema consists of, a row per object and per grant.';
