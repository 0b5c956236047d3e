/*
 * The job whose id is in a header, such as exhausted_from; null: none. Anybody can write a header,
 * so it may hold anything.
 */
create or replace function pgq._linked_job(headers jsonb, header text)
  returns bigint
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when headers ->> header ~ '^[0-9]{1,18}$' then (headers ->> header)::bigint
  end
$$;

comment on function pgq._linked_job is 'The job whose id is in a header; null: none.';
