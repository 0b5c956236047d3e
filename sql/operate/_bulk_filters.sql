create or replace function pgq._bulk_filters(wanted pgq.job_filters)
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
  from jsonb_each(to_jsonb(wanted) - 'states')
  where value <> 'null'
$$;

comment on function pgq._bulk_filters is
  'The filters of a bulk operation that are not null, without its states.';
