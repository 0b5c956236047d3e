/*
 * The job whose id is in a header, such as exhausted_from; null: none. Anybody can write a header,
 * so it may hold anything.
 *
 * Plain SQL without settings, so that it is inlined.
 */
create or replace function pgq._linked_job(headers jsonb, header text)
  returns bigint
  language sql
  stable
as $$
  select case
    when headers operator(pg_catalog.->>) header operator(pg_catalog.~) '^[0-9]{1,18}$'
    then (headers operator(pg_catalog.->>) header)::pg_catalog.int8
  end
$$;

comment on function pgq._linked_job is 'The job whose id is in a header; null: none.';
