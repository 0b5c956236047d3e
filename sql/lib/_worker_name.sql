/*
 * What a worker is called, also one that has left; null: not known any more.
 */
create or replace function pgq._worker_name(worker_id bigint)
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select present.name from pgq.workers as present where present.id = _worker_name.worker_id),
    (select past.name from pgq.past_workers as past where past.id = _worker_name.worker_id)
  )
$$;

comment on function pgq._worker_name is 'What a worker is called, also one that has left.';
