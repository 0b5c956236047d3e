create or replace function pgq._longest_retention()
  returns interval
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select max(keep) from pgq._retention_rules() where kind <> 'results');
end
$$;

comment on function pgq._longest_retention is
  'How long the finished jobs that are kept longest stay.';
